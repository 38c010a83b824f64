import Testing
import WorkflowCore

@testable import aikit_lua

struct NarrowScreenTests {
    @Test func `a tab above lines that are drawn in place becomes blanks`() {
        var update = ScreenUpdate()
        ScreenBlock().write("a\t1\nlonger-than-8\tx", to: &update)
        let text = String(decoding: update.bytes, as: UTF8.self)
        #expect(!text.contains("\t"))
        #expect(text.contains("a       1") && text.contains("longer-than-8   x"))
    }

    @Test(arguments: [40, 60, 80])
    func `a source line is cut to the terminal, and the mark stays under what it marks`(columns: Int) throws {
        let source = "  return first_value + second_value + third_value + fourth_value + missing_value + last_value"
        let column = try #require(source.firstRange(of: "missing_value")).lowerBound
        let problem = Problem(
            "no 'missing_value'", file: "a.lua", line: 12,
            column: source.distance(from: source.startIndex, to: column) + 1, excerpt: source)
        var printer = ProblemPrinter(style: Style(hasColours: false))
        printer.columns = columns
        let lines = printer.text(problem).split(separator: "\n").dropFirst().map { Array($0) }
        let (shown, marks) = (lines[0], lines[1])
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(shown.contains("…"))
        let place = try #require(marks.firstIndex(of: "^"))
        #expect(shown[place] == "m")
    }

    @Test func `a call with a colon in place of a dot is marked`() throws {
        let source = "  local answer = aikit.http:get(\"http://get/\")"
        let problem = Problem(
            "call it with a dot: aikit.http.get(…)", file: "a.lua", line: 1, excerpt: source)
        let lines = ProblemPrinter(style: Style(hasColours: false)).text(problem).split(separator: "\n").map {
            Array($0)
        }
        let place = try #require(lines[2].firstIndex(of: "^"))
        #expect(String(lines[1][place...]).hasPrefix("get(\"http"))
        #expect(lines[2].filter { $0 == "^" }.count == 3)
    }

    @Test func `a very long line is shown around its column`() {
        let source =
            String(repeating: "x = 1; ", count: 20_000) + "wrong" + String(repeating: " ; x = 1", count: 20_000)
        let problem = Problem("no 'wrong'", file: "a.lua", line: 1, column: 140_001, excerpt: source)
        let lines = ProblemPrinter(style: Style(hasColours: false)).text(problem).split(separator: "\n").map {
            Array($0)
        }
        let place = lines[2].firstIndex(of: "^") ?? 0
        #expect(String(lines[1][place...]).hasPrefix("wrong"))
        #expect(lines[1].count <= 120)
    }

    @Test func `code at the end of a run has its time from the stop on`() {
        func event(_ kind: EventKindForTest) -> [ProgressEvent] {
            switch kind {
            case .handler: [ProgressEvent(kind: .closingStart, time: 0, place: .run, item: -1, attempt: 1)]
            case .undoing:
                [ProgressEvent(kind: .closingStart, time: 0, place: .node(1, frame: 1), item: 0, attempt: 1)]
            case .done: [ProgressEvent(kind: .closingSuccess, time: 0, place: .run, item: -1, attempt: 1)]
            }
        }
        var watch = ClosingWatch()
        watch.take(event(.handler), at: 10)
        #expect(watch.deadline == nil)
        watch.askToStop(at: 20)
        watch.askToStop(at: 90)
        #expect(watch.deadline == 20 + ClosingWatch.handlerTime)
        watch.take(event(.done), at: 30)
        #expect(watch.deadline == nil)
        watch.take(event(.undoing), at: 40)
        #expect(watch.deadline == 40 + ClosingWatch.undoingTime)
    }

    private enum EventKindForTest { case handler, undoing, done }
}
