internal import GRDB
internal import WorkflowEngine

/// Batches that wait because the store cannot be written for a reason that may pass: a full disk, a lock, a disk that fails for
/// a moment. Nothing of them is in the store; they are written in their order once it works again.
struct Stall {
    var messages: [Writer.Message]
    let error: JournalError
    let since: ContinuousClock.Instant
    private(set) var next: ContinuousClock.Instant
    private var pause = Duration.milliseconds(20)

    private static let longestPause = Duration.milliseconds(500)

    init(_ messages: [Writer.Message], _ error: JournalError) {
        self.messages = messages
        self.error = error
        since = .now
        next = since + pause
    }

    mutating func postpone() {
        pause = min(pause * 2, Self.longestPause)
        next = .now + pause
    }

    /// How long until the next try, in nanoseconds.
    var remaining: UInt64 {
        let (seconds, attoseconds) = max(next - .now, .zero).components
        return UInt64(clamping: seconds) &* 1_000_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000)
    }
}

extension JournalError {
    /// Whether nothing at all can be written, whatever it is.
    var isOfFiles: Bool { reason == .storeDeleted || reason == .storeOverwritten }
}

extension Writer {
    /// Tries again what waits, if it is time; at the end in any case.
    func retryStalled(atEnd: Bool = false) {
        guard var waiting = stall, atEnd || waiting.next <= .now else { return }
        stall = nil
        let patience = Duration.microseconds(options.retryTime)
        switch attempt(waiting.messages[...]) {
        case nil: options.onStall?(nil)
        case let error? where error.mayPass && !atEnd && .now - waiting.since < patience:
            waiting.postpone()
            stall = waiting
        case let error?:
            refuse(waiting.messages[...], with: error)
        }
    }

    /// Lets batches wait, if the reason may pass and there is something to lose. A run that has not begun is refused at once,
    /// unless a lock is the reason and this journal has runs already.
    ///
    /// - Returns: whether they wait.
    func stall(_ messages: ArraySlice<Message>, because error: JournalError) -> Bool {
        guard error.mayPass, options.retryTime > 0 else { return false }
        let goesOn = messages.contains { message in
            if case .batch(let batch, _) = message { batch.entries.contains { $0.sequence > 0 } } else { false }
        }
        guard goesOn || error.reason == .storeLocked && owner.number != 0 else { return false }
        stall = Stall(Array(messages), error)
        options.onStall?(error)
        return true
    }

    /// Answers batches with the reason why nothing of them is in the store, and gives up their runs: somebody else may go on with
    /// what the store has.
    func refuse(_ messages: ArraySlice<Message>, with error: JournalError) {
        for case .batch(let batch, let answer) in messages {
            givenUp += batch.entries.lazy.compactMap(\.run.sqliteLease).filter { $0.row != 0 }
            answer(batch, Array(repeating: .failed(error), count: batch.entries.count))
        }
    }

    /// Lets the runs go whose entries were refused, in the transaction that is open.
    func releaseGivenUp() throws {
        for lease in givenUp where lease.fence == owner.number && lease.row != 0 {
            try database.cachedStatement(sql: "UPDATE runs SET owner = NULL WHERE row = ? AND owner = ?")
                .execute(arguments: [lease.row, owner.number])
        }
    }

    /// Called when the transaction that let them go is in the store.
    func forgetGivenUp() {
        for lease in givenUp { lease.fence = -1 }
        givenUp.removeAll()
    }
}
