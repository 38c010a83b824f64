internal import FlatValue

/// Failure and cancellation: how the end of one body ends what lies beside it and above it.
extension RunMachine {
    mutating func fail(_ frame: Int32, _ error: Slice) {
        let parent = frames[Int(frame)].parent
        let ordinal = frames[Int(frame)].ordinal
        release(frame)
        let index = Int(parent)
        frames[index].live -= 1
        let node = plan.nodes[Int(frames[index].node)]
        if frames[index].cancelling { return allStopped(parent) }
        switch node.kind {
        case .branch: fail(parent, error)
        case .parallel where node.waitsForAll:
            tables.set(error, in: frames[index].table, at: Int(ordinal) - 1)
            if !frames[index].failed {
                frames[index].failed = true
                frames[index].failure = error
            }
            failures(of: parent, insert: ordinal)
            if frames[index].live == 0, frames[index].opened == frames[index].total { become(.failing, parent) }
        case .foreach where node.waitsForAll:
            tables.set(error, in: frames[index].table, at: Int(ordinal) - 1)
            failures(of: parent, insert: ordinal)
            itemEnded(parent)
        case .workflow, .loop, .foreach, .parallel, .step, .human, .delay, .waitFor:
            if !frames[index].failed {
                frames[index].failed = true
                frames[index].failure = error
                if frames[index].phase == .opening { frames[index].phase = .body }
                cancelBodies(of: parent)
            }
            allStopped(parent)
        }
    }

    /// Marks which results of a construct that waits for all are errors: an entry behind the results for each.
    private mutating func failures(of frame: Int32, insert ordinal: Int32) {
        tables.append(Slice(offset: UInt32(ordinal), length: 0), to: frames[Int(frame)].table)
    }

    /// A construct that is being stopped has lost a body; the last one ends it.
    mutating func allStopped(_ frame: Int32) {
        let index = Int(frame)
        guard frames[index].live == 0 else { return }
        if frames[index].cancelling {
            if plan.nodes[Int(frames[index].node)].kind == .branch {
                closeCancelled(frame)
            } else {
                become(.cancelled, frame)
            }
        } else {
            become(.failing, frame)
        }
    }

    mutating func closeCancelled(_ frame: Int32) {
        let parent = frames[Int(frame)].parent
        release(frame)
        guard parent >= 0 else { return }
        frames[Int(parent)].live -= 1
        allStopped(parent)
    }

    private mutating func cancelBodies(of parent: Int32) {
        guard frames[Int(parent)].live > 0 else { return }
        let below = bodies(below: parent)
        for index in below { cancelOne(Int(index)) }
        // Bodies that had not begun end here: there is nothing to stop and nothing to tell.
        for index in below where frames[Int(index)].phase == .cancelled && frames[Int(index)].attempt == 0 {
            closeCancelled(index)
        }
    }

    /// The frames that lie in a frame, at any depth, in the order of their numbers.
    func bodies(below ancestor: Int32) -> [Int32] {
        var found: [Int32] = []
        var next = 0
        var frame = ancestor
        while true {
            var body = frames[Int(frame)].lastBody
            while body >= 0 {
                found.append(body)
                body = frames[Int(body)].olderBody
            }
            guard next < found.count else { return found.sorted() }
            frame = found[next]
            next += 1
        }
    }

    mutating func cancel(_ frame: Int32) {
        cancelOne(Int(frame))
        cancelBodies(of: frame)
    }

    private mutating func cancelOne(_ index: Int) {
        frames[index].cancelling = true
        switch frames[index].phase {
        case .running, .concluding:
            frames[index].phase = .stopping
            commands.append(
                Command(kind: .stop, frame: Int32(index), node: frames[index].node, serial: frames[index].serial))
        case .waiting, .backoff:
            unwait(index)
            become(.cancelled, Int32(index))
        case .ready:
            // Its node has not started. A frame that is past its first node has told of all that it started.
            frames[index].attempt = 0
            frames[index].phase = .cancelled
        case .opening where frames[index].live > 0: frames[index].phase = .body
        case .opening where plan.nodes[Int(frames[index].node)].kind == .branch:
            // The branch has told of its success; its case has not begun.
            frames[index].attempt = 0
            frames[index].phase = .cancelled
        case .opening, .concluded, .failing: become(.cancelled, Int32(index))
        case .body, .stopping, .cancelled, .free, .over: break
        }
    }
}
