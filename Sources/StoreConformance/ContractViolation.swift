internal import WorkflowEngine

/// Where a store does something else than its contract says.
package struct ContractViolation: Error, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let reason: String

    package var description: String { "\(file):\(line): \(reason)" }
}

/// Fails the check unless a condition holds.
func expect(
    _ condition: Bool, _ reason: @autoclosure () -> String = "the condition does not hold", file: String = #fileID,
    line: Int = #line
) throws(ContractViolation) {
    if !condition { throw ContractViolation(file: file, line: line, reason: reason()) }
}

/// The value, without which the check fails.
func require<Wrapped>(
    _ value: sending Wrapped?, file: String = #fileID, line: Int = #line
) throws(ContractViolation) -> sending Wrapped {
    guard let value else { throw ContractViolation(file: file, line: line, reason: "there is no value") }
    return value
}

/// Fails the check unless `body` fails with a ``JournalError``.
func expectFailure(
    file: String = #fileID, line: Int = #line, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch is JournalError {
        return
    }
    throw ContractViolation(file: file, line: line, reason: "it succeeds")
}
