internal import FlatValue
internal import WorkflowCore

/// The tests of one file as it registered them.
package struct TestTree: Sendable {
    /// A `describe`; the first one is the file itself.
    package struct Suite: Sendable {
        /// The place of the suite around it; nil for the file.
        package var parent: Int?
        package var name: String
        var beforeAll: [CallbackSlot]
        var beforeEach: [CallbackSlot]
        var afterEach: [CallbackSlot]
        var afterAll: [CallbackSlot]
    }

    /// An `it`.
    package struct Test: Sendable {
        /// The suite that it stands in.
        package var suite: Int
        /// The names from the outermost suite to the test's own.
        package var names: [String]
        /// Where it was written, as `file:line`.
        package var location: String?
        /// Its function; 0 for one that has only a name.
        var slot: CallbackSlot
        var isSkipped: Bool
        var isOnly: Bool

        /// All names as one text.
        package var title: String { names.joined(separator: " › ") }
    }

    package private(set) var suites: [Suite] = []
    package private(set) var tests: [Test] = []

    /// Reads what the script's library collected.
    init(_ root: Value) { add(root, parent: nil, names: [], isSkipped: false, isOnly: false) }

    private mutating func add(_ suite: Value, parent: Int?, names: [String], isSkipped: Bool, isOnly: Bool) {
        func slots(_ key: String) -> [CallbackSlot] {
            (suite[key]?.array ?? []).compactMap { $0.int.map { CallbackSlot($0) } }
        }
        func marked(_ value: Value, _ key: String, _ outer: Bool) -> Bool { outer || value[key]?.bool == true }
        let place = suites.count
        suites.append(
            Suite(
                parent: parent, name: suite["name"]?.string ?? "", beforeAll: slots("before_all"),
                beforeEach: slots("before_each"), afterEach: slots("after_each"), afterAll: slots("after_all")))
        for child in suite["children"]?.array ?? [] {
            let path = names + [child["name"]?.string ?? ""]
            let skips = marked(child, "skip", isSkipped)
            let only = marked(child, "only", isOnly)
            if child["kind"]?.string == "suite" {
                add(child, parent: place, names: path, isSkipped: skips, isOnly: only)
            } else {
                tests.append(
                    Test(
                        suite: place, names: path, location: child["where"]?.string,
                        slot: CallbackSlot(child["slot"]?.int ?? 0), isSkipped: skips, isOnly: only))
            }
        }
    }

    /// The places of a suite and of all around it, the file first.
    func line(of suite: Int) -> [Int] {
        var line = [suite]
        while let parent = suites[line[0]].parent { line.insert(parent, at: 0) }
        return line
    }

    /// The tests that are to be looked at: those whose title has the text, and where there is an `only`, only those.
    func chosen(by filter: String?) -> [Test] {
        let hasOnly = tests.contains(where: \.isOnly)
        return tests.filter { test in
            (!hasOnly || test.isOnly) && (filter.map { Self.has(test.title, $0) } ?? true)
        }
    }

    /// Whether a text contains another, in whatever case.
    private static func has(_ text: String, _ part: String) -> Bool {
        let text = Array(text.lowercased()), part = Array(part.lowercased())
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { Array(text[$0..<$0 + part.count]) == part }
    }
}
