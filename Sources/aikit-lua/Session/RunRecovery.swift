internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// Goes on with unfinished runs of the same workflow while a run is under way, without getting in its way.
///
/// Only runs of the same workflow: they need the same permissions. What waits for a person or for a time that has not come is
/// left alone.
final class RunRecovery: Sendable {
    /// How long the process stays for steps that are under way when its own run has ended.
    static let grace = Duration.seconds(2)

    private let loader: RunLoader
    private let workflow: String
    private let mailbox: Mailbox
    private let state = Mutex(State())

    private struct State {
        var task: Task<Void, Never>?
        var runs: [WorkflowRun] = []
        /// Those that are to be given back for want of permissions.
        var lacking: Set<String> = []
    }

    init(_ loader: RunLoader, of workflow: String, mailbox: Mailbox) {
        self.loader = loader
        self.workflow = workflow
        self.mailbox = mailbox
    }

    func start() {
        let task = Task.detached { [self] in
            do {
                let failures = try await loader.recover(workflow) { took($0) }
                for failure in failures {
                    mailbox.post(.text("run \(failure.run) could not be recovered: \(message(of: failure.error))"))
                }
            } catch {
                // The run's own entries go the same way and tell of what is wrong with the store.
            }
        }
        state.withLock { $0.task = task }
    }

    private func took(_ run: WorkflowRun) {
        let isLacking = state.withLock { state in
            state.runs.append(run)
            return state.lacking.contains(run.id)
        }
        if isLacking {
            Task.detached { _ = try? await run.release(within: .zero) }
            return
        }
        mailbox.post(.text("goes on with run \(run.id), whose process ended before it"))
    }

    /// Gives one of the runs back that needs permissions which nothing says it began with; it may be told of later.
    func giveBack(_ id: String) {
        let run = state.withLock { state in
            state.lacking.insert(id)
            return state.runs.first { $0.id == id }
        }
        mailbox.post(.text("run \(id) was left alone: \(UnrecordedGrants.reason)"))
        if let run { Task.detached { _ = try? await run.release(within: .zero) } }
    }

    private func message(of error: any Error) -> String {
        problems(of: error).first?.message ?? "\(error)"
    }

    /// Takes nothing up any more, lets steps that are under way end, and gives the runs back.
    func end() async {
        let task = state.withLock { $0.task }
        task?.cancel()
        // A run that is watched for its next death keeps the task until it is given back.
        await giveBack()
        await task?.value
        await giveBack()
    }

    private func giveBack() async {
        let runs = state.withLock { state in
            defer { state.runs = [] }
            return state.runs
        }
        await withTaskGroup { group in
            for run in runs { group.addTask { try? await run.release(within: Self.grace) } }
        }
    }
}
