internal import WorkflowCore

/// Where each node of a workflow stands, added up over all the bodies in which it runs.
///
/// It is folded from the run's events, so it depends on nothing else and may lag behind.
struct ProgressModel {
    /// A node of the plan, with all of its executions.
    struct Row {
        var running = 0
        var succeeded = 0
        var failed = 0
        var cancelled = 0
        var waiting = 0
        /// When the first execution began, and when the last one ended.
        var began: Int64 = 0
        var ended: Int64 = 0
        /// foreach: the items of the newest list, and how many bodies are done · loop: iterations begun.
        var total = 0
        var done = 0
        /// branch: what was chosen · a failure's message · what is waited for.
        var note: String?

        var isStarted: Bool { began != 0 }
        var isActive: Bool { running > 0 || waiting > 0 }
    }

    /// A body that is under way: what it lies in, and which one it is.
    private struct Frame {
        var parent: Int32
        var ordinal: Int32
        var node: Int32
    }

    let plan: Plan
    /// What is added to the workflow's name.
    let note: String?
    private(set) var rows: [Row]
    private(set) var ending: EventKind?
    private var frames: [Frame] = []
    /// How many executions of steps have ended.
    private(set) var finishedSteps = 0

    init(plan: Plan, note: String? = nil) {
        self.plan = plan
        self.note = note
        rows = Array(repeating: Row(), count: plan.nodes.count)
    }

    /// The row of the workflow itself.
    var root: Row { rows[0] }

    mutating func take(_ event: ProgressEvent) {
        let node = Int(event.node)
        switch event.kind {
        case .workflowStart:
            place(0, Frame(parent: -1, ordinal: 0, node: 0))
            rows[0].began = event.time
            rows[0].running = 1
        case .bodyOpened:
            place(event.frame, Frame(parent: event.node, ordinal: event.item, node: -1))
            let owner = Int(frames[Int(event.node)].node)
            if owner >= 0, plan.nodes[owner].kind == .loop { rows[owner].total = Int(event.item) }
        case .stepStart:
            setNode(event)
            guard event.attempt <= 1 else { return }
            rows[node].running += 1
            if rows[node].began == 0 { rows[node].began = event.time }
        case .itemsListed:
            rows[node].total = event.count
            rows[node].done = 0
        case .stepBranch:
            let body = Int(plan.nodes[node].firstBody + event.item)
            if plan.bodies.indices.contains(body) { rows[node].note = plan.bodies[body].name }
        case .stepWaiting, .humanRequested:
            rows[node].waiting += 1
            rows[node].note = event.text
        case .humanCompleted:
            rows[node].waiting = max(rows[node].waiting - 1, 0)
        case .stepRetry:
            rows[node].note = "attempt \(event.attempt) failed: \(event.text ?? "no message")"
        case .stepSuccess: end(event) { $0.succeeded += 1 }
        case .stepError:
            end(event) {
                $0.failed += 1
                $0.note = event.text
            }
        case .stepCancelled: end(event) { $0.cancelled += 1 }
        case .workflowSuccess, .workflowError, .workflowCancelled:
            ending = event.kind
            rows[0].running = 0
            rows[0].ended = event.time
            if rows[0].began == 0 { rows[0].began = event.time }
        case .workflowResumed:
            // A run that took its beginning from another one has taken time only since then.
            if event.item == ResumeCause.forked.rawValue { rows[0].began = event.time }
        case .stepEvent, .inputSettled, .metadataSet, .ctxSet, .storeSet, .cancelRequested,
            .signalReceived:
            break
        }
    }

    private mutating func place(_ index: Int32, _ frame: Frame) {
        while frames.count <= Int(index) { frames.append(Frame(parent: -1, ordinal: 0, node: -1)) }
        frames[Int(index)] = frame
    }

    private mutating func setNode(_ event: ProgressEvent) {
        guard frames.indices.contains(Int(event.frame)) else { return }
        frames[Int(event.frame)].node = event.node
    }

    private mutating func end(_ event: ProgressEvent, _ count: (inout Row) -> Void) {
        let node = Int(event.node)
        if rows[node].running > 0 { rows[node].running -= 1 }
        if plan.nodes[node].kind == .waitFor || plan.nodes[node].kind == .delay || plan.nodes[node].kind == .human {
            rows[node].waiting = max(rows[node].waiting - 1, 0)
        }
        rows[node].ended = event.time
        count(&rows[node])
        finishedSteps += 1
        // The last node of an item's body ends the item.
        let frame = Int(event.frame)
        guard frames.indices.contains(frame), frames[frame].parent >= 0, plan.nodes[node].next < 0 else { return }
        let owner = Int(frames[Int(frames[frame].parent)].node)
        if owner >= 0, plan.nodes[owner].kind == .foreach { rows[owner].done += 1 }
    }

    /// The path of an execution, such as `enrich[3]/translate`.
    func path(of event: ProgressEvent) -> String { path(frame: event.frame, node: event.node) }

    private func path(frame: Int32, node: Int32) -> String {
        guard node > 0, frames.indices.contains(Int(frame)) else { return "" }
        let id = plan.details[Int(node)].id
        let parent = frames[Int(frame)].parent
        guard parent >= 0 else { return id }
        let owner = frames[Int(parent)].node
        guard owner > 0 else { return id }
        var prefix = path(frame: parent, node: owner)
        let ordinal = frames[Int(frame)].ordinal
        switch plan.nodes[Int(owner)].kind {
        case .loop, .foreach: prefix += "[\(ordinal)]"
        case .parallel:
            let body = Int(plan.nodes[Int(owner)].firstBody + ordinal - 1)
            if plan.bodies.indices.contains(body) { prefix += "[\(plan.bodies[body].name)]" }
        case .workflow, .branch, .step, .human, .delay, .waitFor: break
        }
        return prefix + "/" + id
    }

    /// Whether an execution lies in one of many bodies: the items of a foreach, the iterations of a loop.
    func isRepeated(_ event: ProgressEvent) -> Bool {
        var frame = event.frame
        while frames.indices.contains(Int(frame)), frames[Int(frame)].parent >= 0 {
            let parent = frames[Int(frame)].parent
            let owner = frames[Int(parent)].node
            if owner >= 0, plan.nodes[Int(owner)].kind == .foreach || plan.nodes[Int(owner)].kind == .loop {
                return true
            }
            frame = parent
        }
        return false
    }
}
