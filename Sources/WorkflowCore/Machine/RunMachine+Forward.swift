internal import FlatValue

/// Going forward: a node starts, gives its output, and the frame goes on or its body ends.
extension RunMachine {
    mutating func start(_ index: Int, _ event: Event) {
        let node = plan.nodes[Int(event.node)]
        frames[index].attempt = event.attempt
        frames[index].deadline = 0
        if event.attempt == 1 {
            frames[index].crashes = 0
            frames[index].suspicions = 0
            frames[index].live = 0
            frames[index].opened = 0
            frames[index].total = 0
            frames[index].failed = false
            frames[index].failure = .none
            frames[index].value = .none
            frames[index].occurrence = 1
            if index > 0, !usages.isEmpty { usages[event.frame] = nil }
            if node.repeats {
                if starts.isEmpty { starts = PlainBuffer(repeating: 0, count: plan.nodes.count) }
                starts[Int(event.node)] += 1
                frames[index].occurrence = starts[Int(event.node)]
            }
        }
        switch node.kind {
        case .step, .branch, .foreach, .human: ask(.invoke, event.frame)
        case .loop:
            frames[index].table = tables.take(0)
            ask(.invoke, event.frame)
        case .workflow:
            if node.inputSchema >= 0 { ask(.invoke, event.frame) } else { become(.opening, event.frame) }
        case .parallel:
            frames[index].total = node.bodyCount
            frames[index].table = tables.take(node.bodyCount)
            become(.opening, event.frame)
        case .delay:
            if node.callback != 0 { ask(.invoke, event.frame) } else { become(.opening, event.frame) }
        case .waitFor: become(.opening, event.frame)
        }
    }

    mutating func succeed(_ frame: Int32, _ event: Event, _ log: RunLog) {
        let index = Int(frame)
        let node = plan.nodes[Int(event.node)]
        if node.kind == .branch, frames[index].total > 0 {
            become(.opening, frame)
            return
        }
        if frames[index].phase == .waiting {
            if node.kind == .waitFor { signals.removeFirst(of: node.event) }
            unwait(index)
        }
        if frames[index].table >= 0 {
            tables.release(frames[index].table)
            frames[index].table = -1
        }
        if event.item >= 0, event.item <= event.node { jumps += 1 }
        if node.compensate != 0 { complete(undoable: frame, event.payload) }
        advance(frame, event.payload, next: event.item)
    }

    /// The frame goes on to its next node, or its body has ended.
    private mutating func advance(_ frame: Int32, _ output: Slice, next: NodeIndex) {
        let index = Int(frame)
        if next >= 0 {
            frames[index].node = next
            frames[index].input = output
            frames[index].phase = .ready
            return attend(frame)
        }
        let parent = frames[index].parent
        let ordinal = frames[index].ordinal
        release(frame)
        frames[Int(parent)].live -= 1
        bodyEnded(parent, ordinal: Int(ordinal), output)
    }

    private mutating func bodyEnded(_ frame: Int32, ordinal: Int, _ output: Slice) {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        if frames[index].cancelling || (frames[index].failed && !node.waitsForAll) { return allStopped(frame) }
        switch node.kind {
        case .workflow:
            frames[index].value = output
            conclude(frame)
        case .branch:
            advance(frame, output, next: node.next)
        case .loop:
            frames[index].value = output
            tables.append(output, to: frames[index].table)
            ask(.invoke, frame)
        case .foreach, .parallel:
            tables.set(output, in: frames[index].table, at: ordinal - 1)
            itemEnded(frame)
        case .step, .human, .delay, .waitFor: break
        }
    }

    /// The next body of a foreach or a parallel begins, or its last one has ended.
    mutating func itemEnded(_ frame: Int32) {
        let index = Int(frame)
        if frames[index].opened < frames[index].total {
            become(.opening, frame)
        } else if frames[index].live == 0 {
            if frames[index].failed { become(.failing, frame) } else { conclude(frame) }
        }
    }

    mutating func conclude(_ frame: Int32) {
        let node = plan.nodes[Int(frames[Int(frame)].node)]
        if node.conclude != 0 || (node.kind == .workflow && node.outputSchema >= 0) {
            ask(.conclude, frame)
        } else {
            become(.concluded, frame)
        }
    }
}
