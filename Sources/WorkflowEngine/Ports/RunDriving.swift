package import FlatValue
package import WorkflowCore

/// Drives the runs of one generation in another process. The workers of this process mirror them: they keep log and state of each
/// run, write its journal, and tell whoever follows it.
///
/// All methods but ``ask(_:_:named:_:)`` are called on the thread of the run's worker.
package protocol RunDriving: AnyObject, Sendable {
    /// Begins a run of which nothing is recorded.
    func begin(_ run: Run, with beginning: RunBeginning, on worker: Worker)

    /// Goes on with a run that has been recorded, once all of it is durable and it is not held.
    func goOn(_ run: Run, on worker: Worker)

    /// Gives a run that is not over a message; `answered` is called on the worker's thread when what the message led to is durable,
    /// or when it is refused. Numbers of messages that are in no store are negative.
    func deliver(
        _ message: InboxMessage, to run: Run, on worker: Worker, answered: @escaping @Sendable (InboxAnswer) -> Void)

    /// Lets nothing more of a run begin; ``RunMirror/isQuiet`` is set, and the run enqueued, once nothing of it is under way.
    func hold(_ run: Run, on worker: Worker)

    /// Gives a run up: nothing more of it is taken.
    func drop(_ run: Run, on worker: Worker)

    /// All events up to ``Run/durableEvents`` are durable.
    func recorded(_ run: Run, on worker: Worker)

    /// The time has come of which ``Worker/remind(_:at:)`` was asked. The run may have gone on since.
    func due(_ run: Run, on worker: Worker)

    /// A worker makes no more runs of the generation.
    func retire(on worker: Worker)

    /// Calls a function of a workflow that belongs to no run; see ``WorkflowEngine/ask(_:_:named:_:)``.
    func ask(_ workflow: Workflow, _ slot: CallbackSlot, named name: String, _ argument: Value) async throws -> Value
}

/// The processes in which an engine's code runs.
package protocol RunIsolation: AnyObject, Sendable {
    /// Called once, before the engine is handed out.
    func serve(_ engine: WorkflowEngine)
    /// Ends the processes at once; returns without waiting. Any thread.
    func stop()
    /// Waits until the processes have ended.
    func ended() async
}

/// What a worker knows of a run that another process drives. It belongs to the worker's thread.
package final class RunMirror {
    package let driver: any RunDriving
    /// Nothing of the run is under way there, and nothing begins before it is handed over again.
    package var isQuiet = true
    /// Somebody's wish that it stops has been passed on.
    package var isAskedToStop = false
    /// What the driver keeps with the run.
    package var seat: AnyObject?

    init(_ driver: any RunDriving) { self.driver = driver }
}

/// What a run begins with.
package struct RunBeginning: Sendable {
    package var input: Value
    /// In place of the workflow's metadata; an object.
    package var metadata: Value?
    /// Merged over the workflow's ctx; an object.
    package var ctx: Value?
    package var trace: Value?
    package var tags: StartTags
    /// How long the run may take, in microseconds; 0 for any time.
    package var timeout: Int64
    /// When it begins, in microseconds since 1970; 0 for now.
    package var time: Int64
    package var queueing: Queueing

    package init(
        input: Value, metadata: Value? = nil, ctx: Value? = nil, trace: Value? = nil,
        tags: StartTags = StartTags(), timeout: Int64 = 0, time: Int64 = 0, queueing: Queueing = Queueing()
    ) {
        self.input = input
        self.metadata = metadata
        self.ctx = ctx
        self.trace = trace
        self.tags = tags
        self.timeout = timeout
        self.time = time
        self.queueing = queueing
    }
}
