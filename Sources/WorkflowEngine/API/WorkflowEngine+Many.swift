public import FlatValue
internal import Synchronization
internal import WorkflowCore

extension WorkflowEngine {
    /// Runs a workflow once for each input, many at a time, and returns when every run is over or waits for somebody.
    ///
    /// It costs less than a task for each run: a worker that has ended one begins the next by itself. Cancelling the task begins no
    /// more runs, and cancels those that nothing keeps.
    ///
    /// ```swift
    /// let records = try await engine.run(score, many: customers.map(\.value))
    /// let failed = records.filter { $0.status != .success }
    /// ```
    ///
    /// - Parameters:
    ///   - atOnce: how many runs may be under way at a time; at least 1.
    /// - Returns: the runs in the order of their inputs.
    /// - Throws: ``RunFailure`` when a run could not be started or recorded, once those that are under way have settled;
    ///   `CancellationError` when the task is cancelled.
    public func run(_ workflow: Workflow, many inputs: [Value], atOnce: Int = 256) async throws -> [RunRecord] {
        if inputs.isEmpty { return [] }
        let batch = RunBatch(self, workflow, inputs)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { batch.begin(max(1, min(atOnce, inputs.count)), $0) }
        } onCancel: {
            batch.cancel()
        }
    }
}

/// Runs of one workflow that are begun one after the other, so many at a time.
private final class RunBatch: Sendable {
    private let engine: WorkflowEngine
    private let workflow: Workflow
    private let inputs: [Value]
    private let state: Mutex<State>

    private struct State {
        var next = 0
        var open = 0
        var records: [RunRecord?]
        var failure: (any Error)?
        /// Those that are under way, by their place, where a cancel has to find them.
        var runs: [Int: WorkflowRun] = [:]
        var continuation: CheckedContinuation<[RunRecord], any Error>?
    }

    init(_ engine: WorkflowEngine, _ workflow: Workflow, _ inputs: [Value]) {
        self.engine = engine
        self.workflow = workflow
        self.inputs = inputs
        state = Mutex(State(records: Array(repeating: nil, count: inputs.count)))
    }

    func begin(_ width: Int, _ continuation: CheckedContinuation<[RunRecord], any Error>) {
        state.withLock {
            $0.continuation = continuation
            // One more, so that nothing ends before all have begun.
            $0.open = 1
        }
        for _ in 0..<width { beginNext() }
        close(nil, .success(nil))
    }

    /// Begins no more runs, and cancels those that are under way where nothing keeps them.
    func cancel() {
        let runs = state.withLock { state in
            if state.failure == nil { state.failure = CancellationError() }
            return state.runs.values
        }
        guard engine.journal == nil else { return }
        for run in runs { run.cancelWithTask() }
    }

    /// Begins the next run that does not settle at once. Whoever calls it is counted among the open ones.
    private func beginNext() {
        while beginOne() {}
    }

    /// Begins a run; whether it has settled by now.
    private func beginOne() -> Bool {
        let run = engine.createRun(workflow)
        let place = state.withLock { state -> Int? in
            guard state.failure == nil, state.next < inputs.count else { return nil }
            defer { state.next += 1 }
            state.open += 1
            state.runs[state.next] = run
            return state.next
        }
        guard let place else { return false }
        do {
            try run.start(input: inputs[place])
        } catch {
            close(place, .failure(error))
            return false
        }
        let settled = run.whenSettled { result in
            self.beginNext()
            self.close(place, result.map { $0 })
        }
        guard let settled else { return false }
        close(place, settled.map { $0 })
        return true
    }

    /// Takes what came of the run of a place; nil for none.
    private func close(_ place: Int?, _ result: Result<RunRecord?, any Error>) {
        let ended = state.withLock { state -> (CheckedContinuation<[RunRecord], any Error>, State)? in
            state.open -= 1
            if let place { state.runs[place] = nil }
            switch result {
            case .success(let record): if let place { state.records[place] = record }
            case .failure(let error): if state.failure == nil { state.failure = error }
            }
            guard state.open == 0, let continuation = state.continuation.take() else { return nil }
            return (continuation, state)
        }
        guard let (continuation, state) = ended else { return }
        if let failure = state.failure { return continuation.resume(throwing: failure) }
        continuation.resume(returning: state.records.compactMap { $0 })
    }
}
