internal import FlatValue
internal import WorkflowCore

/// What a run that did not succeed undid, and what it could not undo, for people.
struct CompensationText {
    /// A line: `undone` and the paths, or `not undone`, a path and why.
    struct Line {
        var heading: String
        var text: String
    }

    let lines: [Line]

    /// How many paths of steps that were undone are named.
    private static let shownPaths = 20

    /// - Parameter error: that of the run; nil comes out where it tells of no step to undo.
    init?(error: Value?) {
        guard let compensation = error?["compensation"] else { return nil }
        let undone = (compensation["undone"]?.array ?? []).compactMap(\.string)
        let failed = compensation["failed"]?.array ?? []
        var lines: [Line] = []
        if !undone.isEmpty {
            let rest = undone.count - Self.shownPaths
            let paths = undone.prefix(Self.shownPaths).map { ShownText.line($0) }.joined(separator: ", ")
            lines.append(Line(heading: "undone: ", text: paths + (rest > 0 ? " and \(rest) more" : "")))
        }
        for step in failed {
            let path = ShownText.line(step["path"]?.string ?? "?")
            let message = ShownText.line(step["error"]?["message"]?.string ?? "no message")
            lines.append(Line(heading: "not undone: ", text: "\(path): \(message)"))
        }
        self.lines = lines
    }
}
