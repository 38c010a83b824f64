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

    /// Goes on with what was under way when the process that drove the run ended; a step that has ended too many of them fails.
    mutating func recover(_ cause: Slice, _ origin: ResumeCause, _ time: Int64, _ log: inout RunLog) {
        emit(.workflowResumed, time, &log, payload: cause, item: origin.rawValue)
        for index in frames.indices where frames[index].phase != .free {
            if frames[index].crashes >= Self.crashLimit,
                frames[index].phase == .running || frames[index].phase == .concluding
            {
                let error = Self.poisoned(
                    crashes: Int(frames[index].crashes),
                    signal: cause.isNone ? nil : log.value(cause)["signal"]?.string,
                    location: plan.details[Int(frames[index].node)].location)
                fail(Int32(index), error.write(into: &log.arena, step: path(of: Int32(index))), time, &log)
            } else {
                attend(Int32(index))
            }
        }
        closeOn(time, &log)
    }

    /// Why a step is given up whose process died of it again and again.
    ///
    /// - Parameters:
    ///   - signal: of which signal the process died last, where it was one that ran Lua and nothing else.
    ///   - location: where the script defines the step, as `file:line`.
    private static func poisoned(crashes: Int, signal: String?, location: String?) -> ErrorObject {
        guard let signal else {
            return ErrorObject(
                code: "poisoned",
                message: "the process died \(crashes) times while this step ran; it is not tried again")
        }
        let place = location.map { ", defined at \($0)," } ?? ""
        return ErrorObject(
            code: "vm_crashed",
            message:
                "this step\(place) ended the process in which it ran \(crashes) times, the last time with \(signal); "
                + "it is not tried again",
            details: ["signal": Value(signal), "location": location.map { Value($0) } ?? .null])
    }
}

extension Frame {
    fileprivate var isUnderWay: Bool { phase == .running || phase == .concluding }
}
