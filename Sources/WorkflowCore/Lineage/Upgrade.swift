/// What stands between a recorded run and another definition.
public struct Upgrade: Sendable {
    /// One start of a step, and why it does not fit; nil if it does.
    public struct Step: Sendable {
        public var path: String
        public var status: RunStatus
        package var misfit: Misfit?

        /// Why it does not fit, as what goes on after its name; nil if it does.
        public var problem: String? { misfit?.message }
    }

    /// Every start of a step, in the order of the starts.
    public private(set) var steps: [Step]
    /// What does not fit and belongs to no step that ran.
    package private(set) var misfit: Misfit?
    /// The same as a sentence.
    public var problem: String? { misfit?.description }
    /// The run's journal in the numbers of the new plan, event by event; nil unless all of it fits.
    package private(set) var events: [Event]?

    public var fits: Bool { events != nil }

    /// Holds the log of a run of the plan `old` against the plan `new`.
    package init(_ log: RunLog, from old: Plan, to new: Plan) {
        let mapping = PlanMapping(from: old, to: new)
        steps = RunReport.result(plan: old, log: log).steps.map { step in
            Step(path: step.path, status: step.status, misfit: mapping.misfit(of: step))
        }
        do throws(Misfit) {
            events = try Self.translated(log, mapping)
        } catch {
            // A step may fit by itself and still not have run at that moment.
            if let index = steps.lastIndex(where: { $0.path == error.path }) {
                if steps[index].misfit == nil { steps[index].misfit = error }
            } else {
                misfit = error
            }
        }
    }

    private static func translated(_ log: RunLog, _ mapping: PlanMapping) throws(Misfit) -> [Event] {
        var transfer = JournalTransfer(mapping)
        var events: [Event] = []
        events.reserveCapacity(log.count)
        for index in 0..<log.count { events.append(try transfer.take(log[index], log: log)) }
        return events
    }
}

extension PlanMapping {
    /// Why a step that ran has no place in the new plan, or nil.
    fileprivate func misfit(of step: StepSnapshot) -> Misfit? {
        do throws(Misfit) {
            _ = try fit(step.node, input: step.input, at: step.path)
            if let output = step.output { try fit(output: output, of: step.node, at: step.path) }
            return nil
        } catch {
            return error
        }
    }
}
