internal import FlatValue
import Foundation
import Testing

@testable import aikit_lua

struct ReplEntryTests {
    @Test func `a line is Lua unless it begins with a colon`() {
        #expect(ReplEntry("1 + 1") == .code("1 + 1"))
        #expect(ReplEntry("= 1 + 1") == .code(" 1 + 1"))
        #expect(ReplEntry("  ") == .nothing)
        #expect(ReplEntry(":quit") == .quit)
        #expect(ReplEntry(" :help ") == .help)
    }

    @Test func `lines that belong together are joined, whatever they begin with`() {
        #expect(ReplEntry("end", after: ["for i = 1, 2 do", "print(i)"]) == .code("for i = 1, 2 do\nprint(i)\nend"))
        #expect(ReplEntry(":run", after: ["x = [["]) == .code("x = [[\n:run"))
        #expect(ReplEntry("", after: ["x = [["]) == .code("x = [[\n"))
    }

    @Test func `commands take their arguments to the end of the line`() {
        #expect(ReplEntry(":run") == .run(input: nil))
        #expect(ReplEntry(#":run {"a": 1}"#) == .run(input: #"{"a": 1}"#))
        #expect(ReplEntry(#":step greet {"a": 1}"#) == .step(id: "greet", input: #"{"a": 1}"#))
        #expect(ReplEntry(":step greet") == .step(id: "greet", input: nil))
    }

    @Test func `a command that does not exist is refused with the nearest one`() {
        #expect(ReplEntry(":relaod") == .refused("there is no command :relaod; did you mean :reload?"))
        #expect(
            ReplEntry(":step") == .refused(":step takes the id of a step and its input: :step greet {\"name\":\"Ada\"}")
        )
    }

    @Test func `the history survives the session and holds no line twice in a row`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("repl-\(UUID().uuidString)/a/history")
        defer {
            try? FileManager.default.removeItem(
                at: path.deletingLastPathComponent().deletingLastPathComponent())
        }
        var history = ReplHistory(path: path.path)
        for line in ["x = 1", "x = 1", " ", "x"] { history.add(line) }
        #expect(history.lines == ["x = 1", "x"])
        #expect(ReplHistory(path: path.path).lines == ["x = 1", "x"])
    }
}
