internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// A run of a dev session; what happens to it is posted.
final class DevRun: Sendable {
    let handle: RunHandle
    let input: Value
    private let origin: DevOrigin
    private let run: WorkflowRun
    private let export: TraceExport?
    private let post: @Sendable (Message) -> Void

    init(
        _ run: WorkflowRun, input: Value, generation: Int, origin: DevOrigin, export: TraceExport?,
        post: @escaping @Sendable (Message) -> Void
    ) {
        self.run = run
        self.input = input
        self.origin = origin
        self.export = export
        handle = RunHandle(id: run.id, plan: run.definition.plan, note: "on gen \(generation)" + origin.note)
        self.post = post
    }

    /// Starts the run, and tells when it waits for somebody and when it is over.
    func start(metadata: Value?, ctx: Value?) {
        export?.follow(run, past: origin.pastEvents)
        run.follow(ProgressFeed(past: origin.pastEvents, post: post))
        perform { [run, post, input, origin] in
            switch origin {
            case .start: try run.start(input: input, metadata: metadata, ctx: ctx)
            case .fork(let fork, let source): try await run.start(taking: fork, of: source)
            }
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

    /// Gives the run back to the store, where it can be taken up again; `released` follows if it is not over.
    func letGo() {
        perform { [run, post] in
            if try await run.release(within: .seconds(1)) { post(.released) }
        }
    }

    private func perform(_ body: @escaping @Sendable () async throws -> Void) {
        Task.detached { [post] in
            do {
                try await body()
            } catch let failure as RunFailure where failure.code == "released" {
            } catch {
                post(.failed(error))
            }
        }
    }
}

extension RunRecord {
    /// Whether nothing more can happen to the run.
    var isOver: Bool { status.isTerminal }
}
