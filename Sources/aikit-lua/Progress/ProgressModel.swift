internal import FlatValue
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
        /// Executions that were undone after the run had failed, or was cancelled.
        var undone = 0
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

        /// Microseconds from the first beginning to the last end, or to now.
        func elapsed(now: Int64) -> Int64 {
            let (elapsed, overflow) = (isActive || ended == 0 ? now : ended).subtractingReportingOverflow(began)
            return overflow ? 0 : max(elapsed, 0)
        }
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
    /// The paths of the steps that have completed and can be undone, in the order of their completion.
    private var completed: [String] = []
    /// That of the one that is undone now, or was last.
    private var undone: String?
    /// How many executions of steps have ended.
    private(set) var finishedSteps = 0

    init(plan: Plan, note: String? = nil) {
        self.plan = plan
        self.note = note
        rows = Array(repeating: Row(), count: plan.nodes.count)
    }

    /// The row of the workflow itself.
    var root: Row { rows[0] }

    /// Takes the next event. An event that fits neither the plan nor what came before changes nothing.
    mutating func take(_ event: ProgressEvent) {
        switch event.place {
        case .run: takeRun(event)
        case .body(let frame, let parent):
            guard let owner = frameIndex(parent) else { return }
            place(frame, Frame(parent: parent, ordinal: event.item, node: -1))
            if let node = nodeIndex(frames[owner].node), plan.nodes[node].kind == .loop {
                rows[node].total = Int(event.item)
            }
        case .node(let node, let frame):
            guard let node = nodeIndex(node) else { return }
            take(event, node: node, frame: frame)
        }
    }

    private mutating func takeRun(_ event: ProgressEvent) {
        switch event.kind {
        case .workflowStart:
            place(0, Frame(parent: -1, ordinal: 0, node: 0))
            rows[0].began = event.time
            rows[0].running = 1
        case .workflowSuccess, .workflowError, .workflowCancelled:
            ending = event.kind
            rows[0].running = 0
            rows[0].ended = event.time
            if rows[0].began == 0 { rows[0].began = event.time }
        case .workflowResumed:
            // A run that took its beginning from another one has taken time only since then.
            if event.item == ResumeCause.forked.rawValue { rows[0].began = event.time }
        default: break
        }
    }

    private mutating func take(_ event: ProgressEvent, node: Int, frame: Int32) {
        switch event.kind {
        case .stepStart:
            if let index = frameIndex(frame) { frames[index].node = Int32(node) }
            guard event.attempt <= 1 else { return }
            rows[node].running += 1
            if rows[node].began == 0 { rows[node].began = event.time }
        case .itemsListed:
            rows[node].total = event.count
            rows[node].done = 0
        case .stepBranch:
            if let name = event.text ?? bodyName(of: node, Int(event.item)) { rows[node].note = name }
        case .stepWaiting, .humanRequested:
            rows[node].waiting += 1
            rows[node].note = event.text
        case .humanCompleted:
            rows[node].waiting = max(rows[node].waiting - 1, 0)
        case .stepRetry:
            rows[node].note = "attempt \(event.attempt) failed: \(event.text ?? "no message")"
        case .stepSuccess:
            if plan.nodes[node].compensate != 0 { completed.append(path(of: event)) }
            end(event, node, frame) { $0.succeeded += 1 }
        case .closingStart where event.attempt <= 1:
            undone = completed.indices.contains(Int(event.item)) ? completed[Int(event.item)] : nil
            rows[node].running += 1
        case .closingSuccess:
            undo(event, node) { $0.undone += 1 }
        case .closingError:
            undo(event, node) {
                $0.failed += 1
                $0.note = "not undone: \(event.text ?? "no message")"
            }
        case .stepError:
            end(event, node, frame) {
                $0.failed += 1
                $0.note = event.text
            }
        case .stepCancelled: end(event, node, frame) { $0.cancelled += 1 }
        default: break
        }
    }

    private mutating func undo(_ event: ProgressEvent, _ node: Int, _ count: (inout Row) -> Void) {
        if rows[node].running > 0 { rows[node].running -= 1 }
        rows[node].ended = event.time
        count(&rows[node])
    }

    private func nodeIndex(_ node: Int32) -> Int? { rows.indices.contains(Int(node)) ? Int(node) : nil }

    private func frameIndex(_ frame: Int32) -> Int? { frames.indices.contains(Int(frame)) ? Int(frame) : nil }

    /// The name of a construct's body, counted from 0.
    private func bodyName(of node: Int, _ index: Int) -> String? {
        let body = Int(plan.nodes[node].firstBody) + index
        return plan.bodies.indices.contains(body) ? plan.bodies[body].name : nil
    }

    /// Frames are numbered in the order in which they are made, and numbers are used again.
    private mutating func place(_ index: Int32, _ frame: Frame) {
        let index = Int(index)
        if index == frames.count {
            frames.append(frame)
        } else if frames.indices.contains(index) {
            frames[index] = frame
        }
    }

    private mutating func end(_ event: ProgressEvent, _ node: Int, _ frame: Int32, _ count: (inout Row) -> Void) {
        if rows[node].running > 0 { rows[node].running -= 1 }
        switch plan.nodes[node].kind {
        case .waitFor, .delay, .human: rows[node].waiting = max(rows[node].waiting - 1, 0)
        case .workflow, .step, .branch, .loop, .foreach, .parallel: break
        }
        rows[node].ended = event.time
        count(&rows[node])
        finishedSteps += 1
        // The last node of an item's body ends the item.
        guard plan.nodes[node].next < 0, let owner = owner(of: frame), plan.nodes[owner].kind == .foreach else {
            return
        }
        rows[owner].done += 1
    }

    /// The node whose body a frame runs; nil for the workflow's own.
    private func owner(of frame: Int32) -> Int? {
        guard let index = frameIndex(frame), let parent = frameIndex(frames[index].parent) else { return nil }
        return nodeIndex(frames[parent].node)
    }

    // MARK: Where an event is

    /// The node that an event is about, as an index of ``rows``; nil for the run, for a body, and for what fits no plan.
    func node(of event: ProgressEvent) -> Int? {
        guard case .node(let node, _) = event.place else { return nil }
        return nodeIndex(node)
    }

    /// The frame of an event's node, as a key; nil for an event that is not about one.
    static func frame(of event: ProgressEvent) -> Int32? {
        guard case .node(_, let frame) = event.place else { return nil }
        return frame
    }

    /// As deep as nodes may lie in each other; a log that says more is not believed.
    private static let depthLimit = 4096

    /// The path of an execution, such as `enrich[3]/translate`; empty for an event that is not about one.
    func path(of event: ProgressEvent) -> String {
        guard case .node(let number, var frame) = event.place, let node = nodeIndex(number), node > 0 else { return "" }
        if event.kind.isClosing { return undone ?? plan.details[node].id }
        var parts = [plan.details[node].id]
        while parts.count < Self.depthLimit, let owner = owner(of: frame), owner > 0, let index = frameIndex(frame) {
            let ordinal = frames[index].ordinal
            var part = plan.details[owner].id
            switch plan.nodes[owner].kind {
            case .loop, .foreach: part += "[\(ordinal)]"
            case .parallel: if let name = bodyName(of: owner, Int(ordinal) - 1) { part += "[\(name)]" }
            case .workflow, .branch, .step, .human, .delay, .waitFor: break
            }
            parts.append(part)
            frame = frames[index].parent
        }
        parts.reverse()
        return parts.joined(separator: "/")
    }

    /// Whether an execution lies in one of many bodies: the items of a foreach, the iterations of a loop.
    func isRepeated(_ event: ProgressEvent) -> Bool {
        guard case .node(_, var frame) = event.place else { return false }
        for _ in 0..<Self.depthLimit {
            guard let owner = owner(of: frame), let index = frameIndex(frame) else { return false }
            switch plan.nodes[owner].kind {
            case .foreach, .loop: return true
            case .workflow, .step, .branch, .parallel, .human, .delay, .waitFor: frame = frames[index].parent
            }
        }
        return false
    }
}
