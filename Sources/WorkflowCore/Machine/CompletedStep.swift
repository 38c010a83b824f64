package import FlatValue

/// A step that has given its output and that its run undoes unless it succeeds.
package struct CompletedStep: Sendable, Equatable {
    /// What has become of undoing it.
    package enum Undoing: Sendable, Equatable {
        /// It has not been tried to its end. Goes to `done` or `failed`.
        case pending
        /// `compensate` has returned. Terminal.
        case done
        /// `compensate` failed as often as the retry policy allows, with this error object. Terminal.
        case failed(Slice)
    }

    package let node: NodeIndex
    /// The path at which it ran, such as `book[3]/reserve`.
    package let path: String
    /// Its input, after its schema.
    package let input: Slice
    package let output: Slice
    package let occurrence: UInt32
    /// The iteration of the innermost loop or foreach around it, from 1; 0 for none.
    package let iteration: UInt32
    package internal(set) var undoing = Undoing.pending
}
