package import FlatValue
package import LuaWorkflows
internal import WorkflowCore

/// What became of one test.
package struct TestOutcome: Sendable {
    package enum Status: String, Sendable {
        case passed, failed, skipped
    }

    package var names: [String]
    /// Where the test was written, as `file:line`.
    package var location: String?
    package var status: Status
    /// Microseconds of the machine's time that it took.
    package var duration: Int64 = 0
    /// Why it failed: `{ code, message, where?, details?, traceback? }`.
    package var failure: Value?
    /// Why it was skipped, where it said.
    package var reason: String?

    package var title: String { names.joined(separator: " › ") }
}

/// What became of one test file.
package struct TestFileReport: Sendable {
    package var path: String
    package var outcomes: [TestOutcome] = []
    /// Why the file could not be loaded; then there are no outcomes.
    package var problem: ScriptError?
    /// What failed beside the tests: a cassette that could not be written, an `after_all`.
    package var complaints: [String] = []
    /// The file and all that it required.
    package var files: [String] = []
    /// How many tests it has, those that were not chosen included.
    package var total = 0
    package var coverage = Coverage()

    package init(path: String) { self.path = path }

    package func count(_ status: TestOutcome.Status) -> Int { outcomes.count { $0.status == status } }

    /// Whether nothing went wrong.
    package var isGood: Bool { problem == nil && complaints.isEmpty && count(.failed) == 0 }
}
