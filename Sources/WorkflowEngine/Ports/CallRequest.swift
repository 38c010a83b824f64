package import FlatValue

/// One thing that a suspended call of an executor wants before it goes on.
package struct CallRequest: Sendable {
    /// The executor's number for it, unique within the call.
    package var token: UInt32
    /// The name of the operation, such as `http` or `sleep`.
    package var operation: String
    package var payload: Value
    /// The number of the script's span in which it is made, 0 for none; nil where the executor does not know.
    package var span: Int64?
    /// The operation itself, where the call brings it: a step handler written in Swift that is `async`.
    package var work: (@Sendable () async -> HostAnswer)?

    package init(
        token: UInt32, operation: String, payload: Value = .null, span: Int64? = nil,
        work: (@Sendable () async -> HostAnswer)? = nil
    ) {
        self.token = token
        self.operation = operation
        self.payload = payload
        self.span = span
        self.work = work
    }
}
