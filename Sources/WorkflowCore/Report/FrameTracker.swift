package import FlatValue

/// Knows from the events alone which node each frame runs and where the frame lies.
///
/// It is the little of the run machine's state that telling about events needs, so that a watcher can follow a run at its
/// own pace, behind the machine that drives it.
package struct FrameTracker {
    struct Entry {
        var parent: Int32
        var ordinal: Int32
        var node: Int32
        var occurrence: Int
    }

    package let plan: Plan
    private(set) var frames: [Entry] = []
    private var starts: [Int]
    /// The steps that have completed and can be undone, in the order of their completion.
    private var completed: [(path: String, occurrence: Int)] = []
    /// The one that is undone now, or was last.
    private var undone: (path: String, occurrence: Int)?

    package init(plan: Plan) {
        self.plan = plan
        starts = Array(repeating: 0, count: plan.nodes.count)
    }

    /// Takes the next event of the run.
    package mutating func follow(_ event: Event) {
        let frame = Int(event.frame)
        switch event.kind {
        case .workflowStart: put(Entry(parent: -1, ordinal: 0, node: 0, occurrence: 1), at: 0)
        case .bodyOpened: put(Entry(parent: event.node, ordinal: event.item, node: -1, occurrence: 1), at: frame)
        case .stepStart:
            guard frame < frames.count else { return }
            frames[frame].node = event.node
            if event.attempt == 1 {
                starts[Int(event.node)] += 1
                frames[frame].occurrence = starts[Int(event.node)]
            }
        case .stepSuccess:
            guard plan.nodes[Int(event.node)].compensate != 0, frames.indices.contains(frame) else { return }
            completed.append((path(of: event.frame, node: event.node), frames[frame].occurrence))
        case .closingStart:
            undone = completed.indices.contains(Int(event.item)) ? completed[Int(event.item)] : nil
        case .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .stepError,
            .stepEvent,
            .stepBranch, .humanRequested, .humanCompleted, .stepRetry, .stepCancelled, .stepWaiting, .inputSettled,
            .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested, .signalReceived, .log, .limitsSet,
            .tagsSet, .restartAsked,
            .answerSigned, .traced, .queued,
            .onceRecorded, .modelCalled, .endingDecided, .closingSuccess, .closingError, .closingRetry:
            break
        }
    }

    private mutating func put(_ entry: Entry, at frame: Int) {
        while frames.count <= frame { frames.append(Entry(parent: -1, ordinal: 0, node: 0, occurrence: 1)) }
        frames[frame] = entry
    }

    /// The frame that a frame lies in, or lay in when it was last in use; `-1` for the outermost.
    package func parent(of frame: Int32) -> Int32 {
        frames.indices.contains(Int(frame)) ? frames[Int(frame)].parent : -1
    }

    /// Which start of its node the one of a frame is, from 1.
    package func occurrence(of frame: Int32) -> Int {
        if let undone, frame == Closing.undoFrame { return undone.occurrence }
        return frames[Int(frame)].occurrence
    }

    /// The path of a node that a frame runs.
    package func path(of frame: Int32, node: NodeIndex) -> String {
        guard node > 0 else { return "" }
        if let undone, frame == Closing.undoFrame { return undone.path }
        let prefix = prefix(of: frame)
        let id = plan.details[Int(node)].id
        return prefix.isEmpty ? id : prefix + "/" + id
    }

    private func prefix(of frame: Int32) -> String {
        let entry = frames[Int(frame)]
        guard entry.parent >= 0 else { return "" }
        let owner = frames[Int(entry.parent)].node
        guard owner > 0 else { return "" }
        let base = path(of: entry.parent, node: owner)
        let node = plan.nodes[Int(owner)]
        switch node.kind {
        case .loop, .foreach: return "\(base)[\(entry.ordinal)]"
        case .parallel: return "\(base)[\(plan.bodies[Int(node.firstBody + entry.ordinal - 1)].name)]"
        case .workflow, .branch, .step, .human, .delay, .waitFor: return base
        }
    }

    /// The nearest parallel above a frame, and the name or the index of the branch.
    package func parallelGroup(of frame: Int32) -> (id: String, branch: Value)? {
        if undone != nil { return nil }
        var frame = frame
        while frame >= 0, Int(frame) < frames.count, frames[Int(frame)].parent >= 0 {
            let entry = frames[Int(frame)]
            let owner = frames[Int(entry.parent)].node
            let node = plan.nodes[Int(owner)]
            if node.kind == .parallel {
                let name = plan.bodies[Int(node.firstBody + entry.ordinal - 1)].name
                return (plan.details[Int(owner)].id, node.isList ? Value(Int64(entry.ordinal)) : Value(name))
            }
            frame = entry.parent
        }
        return nil
    }
}
