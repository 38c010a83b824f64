internal import WorkflowCore
internal import WorkflowEngine

/// A run of a dev session; what happens to it is posted.
final class DevRun: Sendable {
    let handle: RunHandle
    private let run: WorkflowRun
    private let post: @Sendable (Message) -> Void

    init(_ run: WorkflowRun, generation: Int, post: @escaping @Sendable (Message) -> Void) {
        self.run = run
        handle = RunHandle(id: run.id, plan: run.definition.plan, note: "on gen \(generation)")
        self.post = post
    }

    /// Starts the run, and tells when it waits for somebody and when it is over.
    func start(input: Value, metadata: Value?, ctx: Value?) {
        run.follow(ProgressFeed(past: 0, post: post))
        perform { [run, post] in
            try run.start(input: input, metadata: metadata, ctx: ctx)
            let record = try await run.settled()
            post(.settled(record))
            if !record.isOver { post(.settled(try await run.finished())) }
        }
    }

    /// Answers a step that waits for a person.
    func answer(_ path: String, with data: Value) {
        perform { [run, post] in
            do {
                post(.settled(try await run.resume(step: path, data: data)))
            } catch let refusal as RunFailure {
                post(.refused(refusal))
            }
        }
    }

    func cancel(reason: String) { run.cancel(reason: reason) }

    private func perform(_ body: @escaping @Sendable () async throws -> Void) {
        Task.detached { [post] in
            do { try await body() } catch { post(.failed(error)) }
        }
    }
}

extension RunRecord {
    /// Whether nothing more can happen to the run.
    var isOver: Bool { ["success", "failed", "cancelled"].contains(statusName) }
}
