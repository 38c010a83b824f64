internal import FlatValue
package import WorkflowCore

/// The id of a run that the engine gives by itself, the same whenever it is made of the same.
///
/// Each has a `~`, which no id has that a person, a script or a client chooses (``RunIdentifier/problem(ofNew:)``): nobody takes such
/// an id before the engine does. The parts that follow the last `~` differ in form, so no two kinds share an id, nor the number at the
/// end of ``RunChain``.
package struct ReservedRunID: Sendable {
    package let text: String

    private init(_ text: String) { self.text = text }

    /// Of what a client asks for under a key, of which 32 hexadecimal digits are given.
    package static func keyed(_ digest: String) -> ReservedRunID { ReservedRunID("key~\(digest)") }

    /// Of a delivery to a webhook, of which 32 hexadecimal digits are given.
    package static func delivery(_ digest: String, to hook: String, of workflow: String) -> ReservedRunID {
        ReservedRunID("\(shortened(workflow))~\(shortened(hook))~\(digest)")
    }

    /// Of the time of a schedule, in microseconds since 1970.
    package static func scheduled(_ schedule: Schedule, of workflow: String, at time: Int64) -> ReservedRunID {
        ReservedRunID("\(shortened(workflow))~\(shortened(schedule.id))~\(schedule.stamp(of: time))")
    }

    /// Of a run that a step starts; `digest` is 16 hexadecimal digits, the same for every attempt of one start of the step.
    package static func child(_ digest: String, of run: String) -> ReservedRunID {
        ReservedRunID("\(run)\(childMark)\(digest)")
    }

    /// The id as that of a run that another one starts, if it has that form.
    package static func child(named id: String, of run: String) -> ReservedRunID? {
        let mark = run + childMark
        guard id.hasPrefix(mark), id.utf8.count == mark.utf8.count + 16,
            id.utf8.suffix(16).allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        return ReservedRunID(id)
    }

    private static let childMark = "~c"

    /// A name, of which 64 bytes are kept: a longer one ends in what tells it from others.
    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > 64 else { return name }
        var print = Fingerprint()
        print.add(name)
        return String(decoding: name.utf8.prefix(46), as: UTF8.self) + "…" + print.text
    }
}

/// What a new run is to be called.
package enum NewRunID: Sendable {
    /// As somebody chose.
    case chosen(String)
    case reserved(ReservedRunID)

    package var text: String {
        switch self {
        case .chosen(let id): id
        case .reserved(let id): id.text
        }
    }

    /// - Throws: ``RunFailure`` with the code `invalid_run_id`.
    package func check() throws(RunFailure) {
        switch self {
        case .chosen(let id): try RunIdentifier.check(new: id)
        case .reserved(let id): try RunIdentifier.check(id.text)
        }
    }
}
