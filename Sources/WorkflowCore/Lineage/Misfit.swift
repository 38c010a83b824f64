/// Why something that a run recorded cannot be taken over into another plan.
package struct Misfit: Error, Equatable {
    package enum Kind: String, Sendable {
        /// The node is not there, or is of another kind.
        case missing
        /// Something else would have run at that moment.
        case order
        /// A construct has other bodies.
        case bodies
        /// A recorded value does not fit the node's schema.
        case schema
        /// The step waits for something else.
        case event
    }

    package var kind: Kind
    /// The place in the run, such as `enrich[3]/translate`; empty for the workflow itself.
    package var path: String
    /// Goes on after the path: `is not in the new definition`.
    package var message: String

    package var description: String { (path.isEmpty ? "the workflow" : "'\(path)'") + " " + message }
}
