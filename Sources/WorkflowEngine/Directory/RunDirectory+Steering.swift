public import FlatValue
internal import WorkflowCore

/// Whether an answer still fits the run that it is for.
public typealias AnswerCheck = @Sendable (RunRecord) throws -> Void

/// What may be done to a run, wherever it is driven.
extension RunDirectory {
    /// Answers a step that waits for a person, and returns when the answer is taken.
    ///
    /// - Parameters:
    ///   - path: the path or the id of the step; nil when only one step waits.
    ///   - name: who answers; recorded with the answer.
    ///   - key: what the sender calls the answer: one that the run has taken by that name is not taken again.
    ///   - check: looks at the run as it is when the answer is about to be taken, and throws if it is not to be.
    public func answer(
        _ id: String, step path: String?, data: Value, by name: String? = nil, key: String? = nil,
        expecting check: AnswerCheck? = nil
    ) async throws {
        let key = key.map { RequestKey($0, of: "answer", path ?? "", data.json) }
        try await push(id, key) { run in
            try await run.deliver(.reply(at: path, data: data, by: name, key: key), expecting: check)
        } foreign: {
            try await $0.resume(step: path, data: data, by: name, key: key, expecting: check)
        }
    }

    /// Gives a run a signal, and returns when it is taken.
    ///
    /// - Parameter key: what the sender calls the signal: one that the run has taken by that name is not taken again.
    public func signal(_ id: String, _ event: String, payload: Value = .null, key: String? = nil) async throws {
        let key = key.map { RequestKey($0, of: "signal", event, payload.json) }
        try await push(id, key) {
            try await $0.signal(event, payload: payload, key: key)
        } foreign: {
            try await $0.signal(event, payload: payload, key: key)
        }
    }

    /// Does something to a run that is not over: here, or by its owner. What the run has done before is not done again.
    private func push(
        _ id: String, _ key: RequestKey?, live body: (WorkflowRun) async throws -> Void,
        foreign: (ForeignRun) async throws -> ForeignRun.Delivery
    ) async throws {
        guard let key else { return try await push(id, live: body, foreign: foreign) }
        try await live.turns.inTurn(id, key.name) {
            do {
                try await push(id, live: body, foreign: foreign)
            } catch {
                // A run that has gone on since refuses what it took before, and so does one whose code is gone.
                guard let stored = try await store.load(id), try key.isRecorded(in: stored) else { throw error }
            }
        }
    }

    private func push(
        _ id: String, live body: (WorkflowRun) async throws -> Void,
        foreign: (ForeignRun) async throws -> ForeignRun.Delivery
    ) async throws {
        while true {
            switch try await open(id) {
            case .missing: throw RunFailure.missing(id)
            case .over(let header): throw RunFailure.over(header)
            case .live(let run):
                do {
                    return try await body(run)
                } catch let failure as RunFailure where failure.isOfQueue {
                    try await Task.sleep(for: .milliseconds(1))
                }
            case .stored(let header):
                if let run = try await takeUp(header) { return try await body(run) }
            case .foreign(let run, _):
                if case .taken = try await foreign(run) { return }
            }
        }
    }

    /// Removes a run that is over, or that nobody drives.
    public func delete(_ id: String) async throws {
        switch try await open(id) {
        case .missing: throw RunFailure.missing(id)
        case .live, .foreign:
            throw RunFailure(
                code: RunFailure.Code.runActive, message: "run \(id) is under way; cancel it before it is deleted")
        case .stored, .over: if try await !store.delete(id) { throw RunFailure.missing(id) }
        }
    }
}
