internal import FlatValue

extension RunMachine {
    /// Whether code was under way when the state was written; the run then goes on with ``Fact/recovered(cause:died:inCompany:)``.
    package var isInterrupted: Bool { status == .running }

    /// Whether a step that runs has seen its process die more than once: it may be the cause, and not just have been there.
    package var isSuspect: Bool { frames.elements.contains { $0.isUnderWay && ($0.crashes > 1 || $0.suspicions > 1) } }

    /// Whether a step that runs has seen its process die.
    package var hasCrashed: Bool { frames.elements.contains { $0.isUnderWay && ($0.crashes > 0 || $0.suspicions > 0) } }

    /// The frames in which a person is waited for, with their paths.
    package var waitingForPeople: [(frame: Int32, path: String)] {
        frames.indices.filter { frames[$0].phase == .waiting && plan.nodes[Int(frames[$0].node)].kind == .human }
            .map { (Int32($0), path(of: Int32($0))) }
    }
}

extension Frame {
    fileprivate var isUnderWay: Bool { phase == .running || phase == .concluding }
}
