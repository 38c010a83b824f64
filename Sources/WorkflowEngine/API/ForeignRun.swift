package import FlatValue
package import WorkflowCore

/// A run that another process drives, as far as the store shows it, and what that process is asked to do with it.
package actor ForeignRun {
    package nonisolated let id: String
    package nonisolated let plan: Plan
    /// Who drove the run when it was found, for people.
    package nonisolated let owner: String
    private let store: any RunStore
    private var journal: JournalDecoder
    private var hasOwner = true
    private var changes: Int64 = -1
    private var followers: [@Sendable (RunLog) -> Void] = []

    package init(_ header: RunHeader, plan: Plan, store: any RunStore) {
        id = header.id
        self.plan = plan
        self.store = store
        owner = header.owner?.name ?? "another process"
        journal = JournalDecoder(plan: plan)
    }

    private var log: RunLog { journal.log }

    /// What became of a message to the run's owner.
    package enum Delivery: Sendable {
        case taken
        /// The owner went away without having seen it, and it has been taken back.
        case ownerGone
    }

    /// Calls `body` with the run's log, now and whenever it has grown.
    package func follow(_ body: @escaping @Sendable (RunLog) -> Void) async throws {
        _ = try await refresh()
        followers.append(body)
        body(log)
    }

    /// Answers a step that waits for a person.
    ///
    /// - Parameter name: who answers, where it is known.
    /// - Throws: ``RunFailure`` when no step waits there, or the owner did not accept the answer.
    package func resume(
        step path: String?, data: Value, by name: String? = nil, key: RequestKey? = nil,
        expecting check: AnswerCheck? = nil
    ) async throws -> Delivery {
        _ = try await refresh()
        if let check { try check(RunRecord(id: id, copying: log, of: journal.machine)) }
        // The step is settled on here: by the time the owner looks, another one may be the only one that waits.
        let frame = try journal.machine.waitingFrame(run: id, at: path)
        return try await deliver(.reply(at: journal.machine.path(of: frame), data: data, by: name, key: key))
    }

    package func signal(_ event: String, payload: Value, key: RequestKey? = nil) async throws -> Delivery {
        try await deliver(.signal(event, payload: payload, key: key))
    }

    package func cancel(reason: String) async throws -> Delivery {
        try await deliver(.cancel(reason: reason))
    }

    /// Has the run stop, or whichever goes on in its place.
    ///
    /// - Returns: what became of the message, which is withdrawn when nobody has answered it for some time: then the run may
    ///   have been given to somebody who was told before.
    func cancelChain(reason: String) async throws -> Delivery {
        guard let message = try await store.post(.init(.cancelChain(reason: reason)), to: id) else { return .ownerGone }
        let end = ContinuousClock.now + Self.patience
        while true {
            if let answer = try await store.answer(to: message) { return answer == .taken ? .taken : .ownerGone }
            if .now > end, try await store.withdraw(message) { return .ownerGone }
            try await Task.sleep(for: Self.interval)
        }
    }

    private func deliver(_ request: InboxRequest) async throws -> Delivery {
        guard let message = try await store.post(.init(request), to: id) else {
            throw RunFailure(code: RunFailure.Code.over, message: "run \(id) is over; it waits for nobody")
        }
        while true {
            if let answer = try await store.answer(to: message) {
                if let failure = answer.failure { throw failure }
                return .taken
            }
            if try await store.header(of: id)?.owner == nil, try await store.withdraw(message) { return .ownerGone }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Waits until the run is over, or waits for a person or a signal.
    ///
    /// - Parameter isWanted: asked again and again; nothing is waited for once it says no.
    /// - Returns: nil when nobody drives the run any more and it could go on, or nobody wants to know.
    package func settled(while isWanted: @Sendable () -> Bool = { true }) async throws -> RunRecord? {
        while isWanted() {
            if try await refresh() {
                for follower in followers { follower(log) }
            }
            if journal.machine.isOver || journal.machine.waitsOutside {
                return RunRecord(id: id, copying: log, of: journal.machine)
            }
            if !hasOwner { return nil }
            try await Task.sleep(for: Self.interval)
        }
        return nil
    }

    /// Takes what is new in the store; whether there was anything.
    private func refresh() async throws -> Bool {
        // An owner that dies changes nothing in the store; one that ends the run has written its end when it is looked for.
        hasOwner = try await store.header(of: id)?.owner != nil
        let changes = try await store.changeCount()
        if changes == self.changes { return false }
        self.changes = changes
        guard let stored = try await store.load(id, after: log.count), !stored.events.isEmpty else { return false }
        try stored.header.expect(plan)
        try journal.take(stored)
        return true
    }

    private static let interval = Duration.milliseconds(20)
    private static let patience = Duration.seconds(2)
}
