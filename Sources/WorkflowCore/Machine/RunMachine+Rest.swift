internal import FlatValue

extension RunMachine {
    /// Whether nothing happens to the run before somebody says something, or before `time`, in microseconds since 1970: all
    /// that is under way waits for a person, a signal that has not come, or a time that is no earlier.
    package func rests(until time: Int64) -> Bool {
        if frames.isEmpty || isOver { return false }
        var waits = false
        for frame in frames.elements {
            switch frame.phase {
            case .free, .body: continue
            case .backoff:
                if frame.deadline < time { return false }
                waits = true
            case .waiting:
                switch plan.nodes[Int(frame.node)].kind {
                case .delay: if frame.deadline < time { return false }
                case .waitFor: if holdsSignal(of: frame.node) { return false }
                case .human, .workflow, .step, .branch, .loop, .foreach, .parallel: break
                }
                waits = true
            case .ready, .running, .opening, .concluding, .concluded, .failing, .stopping, .cancelled, .over:
                return false
            }
        }
        return waits
    }

    /// Whether one of the steps that are under way waits for a person.
    package var waitsForPerson: Bool {
        frames.elements.contains { $0.phase == .waiting && plan.nodes[Int($0.node)].kind == .human }
    }

    /// Whether a signal has come that the wait of a node takes.
    private func holdsSignal(of node: NodeIndex) -> Bool {
        guard let number = plan.details[Int(node)].event.flatMap({ plan.number(ofEvent: $0) }) else { return false }
        return signals.first(of: number) != nil
    }
}
