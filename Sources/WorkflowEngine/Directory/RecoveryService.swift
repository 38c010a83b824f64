internal import Synchronization

/// Takes up what nobody drives and could go on: runs of owners that died, and runs whose timers are due. At its start
/// and then again and again. Runs that may do more than the engine's gateway gives are left alone.
///
/// ```swift
/// let recovery = RecoveryService(directory)
/// await recovery.run()        // until its task is cancelled
/// ```
public final class RecoveryService: Sendable {
    private let directory: RunDirectory
    private let interval: Duration
    private let failed: @Sendable (_ run: String, _ error: any Error) -> Void
    /// Runs that could not be taken up at the last look, so that each is told once.
    private let told = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - interval: how long it waits between two looks.
    ///   - failed: hears of each run that cannot be taken up, once.
    public init(
        _ directory: RunDirectory, every interval: Duration = .seconds(5),
        failed: @escaping @Sendable (_ run: String, _ error: any Error) -> Void = { _, _ in }
    ) {
        self.directory = directory
        self.interval = interval
        self.failed = failed
    }

    public func run() async {
        while !Task.isCancelled {
            await recover()
            try? await Task.sleep(for: interval)
        }
    }

    /// Looks once.
    public func recover() async {
        let directory = directory
        do {
            let failures = try await directory.engine.recover(
                load: {
                    if let excess = directory.engine.host.excess(of: $0.origin.grant) {
                        throw RunFailure.exceeding($0.id, excess)
                    }
                    return try await directory.catalog.workflow($0.workflow, generation: $0.generation, of: $0.id)
                }, began: { _ in })
            let known = told.withLock { told in
                defer { told = Set(failures.map(\.run)) }
                return told
            }
            for failure in failures where !known.contains(failure.run) { failed(failure.run, failure.error) }
        } catch {
            // A store that cannot be read now is looked at again; whoever uses it is told why.
        }
    }
}
