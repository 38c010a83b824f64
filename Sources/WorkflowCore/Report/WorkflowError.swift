public import FlatValue

/// What all errors of the engine, its stores and its definitions have in common.
///
/// ```swift
/// do { … } catch let error as any WorkflowError { log(error.code, error.message) }
/// ```
public protocol WorkflowError: Error, CustomStringConvertible {
    /// A stable word for programs, such as `missing` or `invalid_definition`.
    var code: String { get }
    /// A sentence for people.
    var message: String { get }
    /// What programs may want to know besides; nil for nothing.
    var details: Value? { get }
    /// The error that led to this one, where another one did.
    var cause: (any Error)? { get }
}

extension WorkflowError {
    public var details: Value? { Value?.none }
    public var cause: (any Error)? { nil }
    public var description: String { message }
}

extension DefinitionError: WorkflowError {
    public var code: String { "invalid_definition" }
    public var message: String { description }
    /// The issues, as a list.
    public var details: Value? { Value(array: issues.map(\.value)) }
}
