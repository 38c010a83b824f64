import Testing

@testable import aikit_lua

struct RunTableTests {
    /// Widths of a run with a made id that waits for a person.
    private let widths = [36, 10, 13, 20, 6, 60, 0]
    private let all: [RunTable.Column] = [.id, .workflow, .status, .started, .took, .what]

    @Test(arguments: [60, 80, 100, 120, 300])
    func `the lines of the table fit the terminal`(width: Int) {
        let (columns, fitted) = RunTable.fitted(all, widths, to: width)
        #expect(columns.reduce(2 * (columns.count - 1)) { $0 + fitted[$1.rawValue] } <= width)
        #expect(columns.contains(.id) && columns.contains(.status) && fitted[RunTable.Column.id.rawValue] == 36)
    }

    @Test func `what a run waits for gives way before a column does`() {
        #expect(RunTable.fitted(all, widths, to: 115).0 == all)
        #expect(RunTable.fitted(all, widths, to: 100).0 == [.id, .workflow, .status, .what])
        #expect(RunTable.fitted(all, widths, to: 60).0 == [.id, .status])
    }
}
