internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

/// A run of a dev session from which a later one may take its beginning: one that is over, or waits for somebody.
struct DevSource {
    /// The run's number in the session.
    var run: Int
    /// What the session gave it.
    var input: Value
    var record: RunRecord
}

/// Where a run of a dev session begins.
enum DevOrigin {
    /// At the first step; the reason where something might have been taken of another run.
    case start(reason: String?)
    /// Behind what another run recorded.
    case fork(Fork, of: RunRecord)

    /// Decides what can be taken of the newest run that came to something.
    ///
    /// - Parameters:
    ///   - path: the first step that is to run again; nil for the first one whose code has changed.
    ///   - isFirst: whether the session has had no run yet.
    init(_ plan: Plan, input: Value, after source: DevSource?, from path: String?, isFirst: Bool) {
        guard let source else {
            self = .start(reason: isFirst && path == nil ? nil : Self.nothingBefore(path, in: plan))
            return
        }
        let record = source.record
        if record.plan.id != plan.id {
            self = .start(reason: "the run before was one of workflow '\(record.plan.id)'")
        } else if source.input != input {
            self = .start(reason: "the input has changed")
        } else if record.plan.metadata != plan.metadata || record.plan.ctx != plan.ctx {
            self = .start(reason: "the workflow's metadata or ctx has changed")
        } else {
            do throws(ForkError) {
                let fork = try Self.fork(record, to: plan, from: path)
                self =
                    fork.isAtStart
                    ? .start(reason: fork.path.isEmpty ? "no step had ended" : "nothing comes before '\(fork.path)'")
                    : .fork(fork, of: record)
            } catch {
                self = .start(reason: error.message)
            }
        }
    }

    private static func fork(_ record: RunRecord, to plan: Plan, from path: String?) throws(ForkError) -> Fork {
        if let path { return try ForkPlanner.fork(record.log, from: record.plan, to: plan, at: .before(path)) }
        do throws(ForkError) {
            return try ForkPlanner.fork(record.log, from: record.plan, to: plan, at: .change)
        } catch {
            // What failed is tried again, though no change of its own code is known of.
            guard error.code == .unchanged, record.status == .failed,
                let retry = try? ForkPlanner.fork(record.log, from: record.plan, to: plan, at: .failure)
            else { throw error }
            return retry
        }
    }

    /// Why a session's first run begins at the start; a path that cannot be one is told at once.
    private static func nothingBefore(_ path: String?, in plan: Plan) -> String {
        let ids = plan.details.dropFirst().map(\.id)
        if let path, !ids.contains(where: { path == $0 || path.hasSuffix("/" + $0) }) {
            return "the workflow has no step '\(path)'" + suggestion(for: path, in: ids)
        }
        return "there is no run to go on from yet"
    }

    /// How many events are those of the other run.
    var pastEvents: Int {
        guard case .fork(let fork, _) = self else { return 0 }
        return fork.events.count
    }

    /// Follows on the run's generation: `, from 'enrich' (9 steps kept)`.
    var note: String {
        switch self {
        case .start(let reason): reason.map { ", from the start: \($0)" } ?? ""
        case .fork(let fork, _):
            (fork.path.isEmpty ? ", " : ", from '\(fork.path)' (") + counted(fork.steps, "step") + " kept"
                + (fork.path.isEmpty ? "" : ")")
        }
    }
}
