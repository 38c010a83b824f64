internal import Synchronization
internal import WorkflowEngine

/// Hears from the database when a message has come for anybody, on a thread and a connection of its own. Without a
/// connection the writer asks by itself.
final class InboxListener: Sendable {
    private let address: PostgresAddress
    private let options: PostgresJournalOptions
    private let isStopped = Atomic<Bool>(false)
    private let hasStarted = Atomic<Bool>(false)
    private let heard: @Sendable () -> Void
    private let changed: @Sendable (_ isListening: Bool) -> Void

    /// - Parameters:
    ///   - heard: called when something may have come.
    ///   - changed: called when the listener begins or ends to hear.
    init(
        _ address: PostgresAddress, _ options: PostgresJournalOptions, heard: @escaping @Sendable () -> Void,
        changed: @escaping @Sendable (Bool) -> Void
    ) {
        self.address = address
        self.options = options
        self.heard = heard
        self.changed = changed
    }

    /// The channel of the inbox of a schema.
    static func channel(_ schema: String) -> String { "aikit_lua_inbox_\(schema)" }

    func start() {
        guard hasStarted.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
        WorkerThread.start { [self] in
            // A run that is over in a moment needs no second connection.
            var stall = RetryPause()
            for _ in 0..<5 where !isStopped.load(ordering: .relaxed) { pauseThread(100_000_000) }
            while !isStopped.load(ordering: .relaxed) {
                do {
                    let connection = try Connection(address, options, isWriter: false)
                    try connection.script("LISTEN \(quotedName(Self.channel(options.schema)))")
                    stall = RetryPause()
                    changed(true)
                    heard()
                    while !isStopped.load(ordering: .relaxed) {
                        if try connection.waitForNotifications(250) { heard() }
                    }
                } catch {
                    changed(false)
                    stall = stall.postponed()
                    pauseThread(min(stall.remaining, 250_000_000))
                }
            }
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}
