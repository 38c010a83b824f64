/// What stands between a recorded run and another definition.
package struct Upgrade {
    /// One start of a step, and why it does not fit; nil if it does.
    package struct Step: Sendable {
        package var path: String
        package var status: String
        package var misfit: Misfit?
    }

    /// Every start of a step, in the order of the starts.
    package private(set) var steps: [Step]
    /// What does not fit and belongs to no step that ran.
    package private(set) var misfit: Misfit?
    /// The run's journal in the numbers of the new plan, event by event; nil unless all of it fits.
    package private(set) var events: [Event]?

    package var fits: Bool { events != nil }

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
