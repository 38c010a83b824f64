package import FlatValue
internal import WorkflowCore

/// Whether inputs and outputs belong into a trace, by the `telemetry` of a workflow, a run and a step.
///
/// They do where the workflow or the run gives `telemetry`, unless one of them is `false` or says otherwise; of two that say
/// something the later one counts: the workflow, the run, the step.
package struct RecordedContent: Sendable, Equatable {
    package private(set) var inputs = false
    package private(set) var outputs = false

    /// - Parameters:
    ///   - workflow: a boolean, an object, nil or null, as are the others.
    ///   - run: that of the run.
    ///   - step: that of the step.
    package init(workflow: Value?, run: Value?, step: Value? = nil) {
        for value in [workflow, run].compactMap({ $0 }) where value.bool == true || value.entries != nil {
            (inputs, outputs) = (true, true)
        }
        for value in [workflow, run, step].compactMap({ $0 }) {
            inputs = value["record_inputs"]?.bool ?? inputs
            outputs = value["record_outputs"]?.bool ?? outputs
        }
        if [workflow, run, step].contains(where: { $0?.bool == false }) { (inputs, outputs) = (false, false) }
    }

    /// The most that a span says of one value, in bytes of JSON text.
    package static let textLimit = 32_000
    /// What stands behind a text that was cut.
    package static let cutMark = "… [cut off]"

    /// JSON text of at most 32 kB; what is cut off is marked.
    ///
    /// - Parameter isWhole: whether there was no more of it.
    package static func text(of value: Value, isWhole: Bool = true) -> String {
        let text = value.json
        return isWhole || text.utf8.count > textLimit
            ? cut(text) : cut(text, to: textLimit - cutMark.utf8.count) + cutMark
    }

    /// A text of at most 32 kB, or of as many bytes as are given; what is cut off is marked.
    package static func cut(_ text: String, to limit: Int = textLimit) -> String {
        guard text.utf8.count > limit else { return text }
        return text.beginning(utf8: max(limit - cutMark.utf8.count, 0)) + cutMark
    }
}
