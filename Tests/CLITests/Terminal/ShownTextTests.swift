internal import JSONSchema
import Testing

@testable import aikit_lua

struct ShownTextTests {
    @Test func `control characters are shown as JSON writes them`() {
        #expect(ShownText.text("a\u{1B}[2Jb\u{7}\u{7F}") == "a\\u001b[2Jb\\u0007\\u007f")
        #expect(ShownText.text("\u{9B}31m\u{85}") == "\\u009b31m\\u0085")
        #expect(ShownText.text("50%\r100%\r\n") == "50%\\u000d100%\n")
        #expect(ShownText.text("a\tb\nc") == "a\tb\nc")
    }

    @Test(arguments: [
        "\u{202E}", "\u{2066}", "\u{200B}", "\u{200E}", "\u{FEFF}", "\u{AD}", "\u{61C}", "\u{3164}", "\u{2028}",
    ])
    func `what turns text round or cannot be seen is shown`(hidden: String) {
        let shown = ShownText.text("a" + hidden + "b")
        #expect(shown.hasPrefix("a\\u") && shown.hasSuffix("b") && shown.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test func `characters beyond the basic plane are shown as two units`() {
        #expect(ShownText.text("a\u{E0041}") == "a\\udb40\\udc41")
    }

    @Test(arguments: ["Grüße, 世界", "👩‍👩‍👧 ❤️", "क्‍ष", "می‌خواهم", "e\u{301}", "שלום"])
    func `text of the world's scripts stays as it is`(text: String) {
        #expect(ShownText.text(text) == text)
    }

    @Test func `a joiner between ASCII letters is shown`() {
        #expect(ShownText.text("pay\u{200D}pal") == "pay\\u200dpal")
    }

    @Test func `bytes that are no UTF-8 are shown each`() throws {
        let bytes: [UInt8] = [0x61, 0x9B, 0x33, 0xC3, 0xE2, 0x80]
        let shown = try #require(bytes.withUnsafeBytes { ShownText.escaped($0) })
        #expect(String(decoding: shown, as: UTF8.self) == "a\\u009b3\\u00c3\\u00e2\\u0080")
    }

    @Test func `a text on one line has no line feeds`() {
        #expect(ShownText.line("a\nb\tc\rd") == "a\\nb\\tc\\rd")
    }

    @Test func `styles of our own become escape sequences, those of data do not`() {
        let text = Style(hasColours: true)("x\u{1B}[32my", .bold, .red)
        #expect(ShownText.text(text) == "\u{1B}[1;31mx\\u001b[32my\u{1B}[0m")
        var guess = String.UnicodeScalarView()
        for value: UInt32 in [0xFDD0, 0x100000, 0x100000, 0x31, 0xFDD1] { guess.append(Unicode.Scalar(value)!) }
        #expect(!ShownText.text(String(guess)).utf8.contains(0x1B))
    }
}

struct ScreenTextTests {
    @Test func `text is cut by the columns that it takes`() {
        #expect(ScreenText.clipped("hello", to: 5) == "hello")
        #expect(ScreenText.clipped("hello!", to: 5) == "hell…")
        #expect(ScreenText.clipped("世界世界", to: 5) == "世界…")
        #expect(ScreenText.clipped("a\nb", to: 5) == "a")
        for width in 0...12 { #expect(ScreenText.width(of: ScreenText.clipped("世a界\u{1B}界b", to: width)) <= width) }
    }

    @Test func `a block that a narrower terminal has broken takes more rows`() {
        #expect(ScreenBlock.rows(of: [0, 40, 41, 80], columns: 40) == 1 + 1 + 2 + 2)
        #expect(ScreenBlock.rows(of: [10], columns: 0) == 10)
    }
}

struct OptionListStateTests {
    @Test func `a list that is longer than the screen scrolls with its cursor`() {
        var state = OptionList.State(count: 40, cursor: 0, chosen: [])
        state.scroll(to: 10)
        #expect(state.top == 0)
        state.cursor = 10
        state.scroll(to: 10)
        #expect(state.top == 1)
        state.cursor = 39
        state.scroll(to: 10)
        #expect(state.top == 30)
        state.scroll(to: 20)
        #expect(state.top == 20)
        state.cursor = 3
        state.scroll(to: 10)
        #expect(state.top == 3)
        state.scroll(to: 0)
        #expect(state.top == 3)
    }

    @Test func `digits make a number as long as there is such an option`() {
        var state = OptionList.State(count: 40, cursor: 0, chosen: [])
        let typed = (["1", "2", "3", "x", "0"] as [Character]).map { digit in (state.type(digit), state.cursor) }
        #expect(typed.map(\.0) == [true, true, true, false, false])
        #expect(typed.map(\.1) == [0, 11, 2, 2, 2])
    }
}

struct LineFloodTests {
    @Test func `lines that nobody reads are bounded, and those left out are counted`() {
        let box = MessageBox<DevMessage>()
        let line = String(repeating: "x", count: 1 << 16)
        for _ in 0..<100 { box.postLine(.text(line), bytes: line.utf8.count) }
        box.post(.note("still heard"))
        let messages = box.takeAll()
        let lines = messages.filter { if case .text(line) = $0 { true } else { false } }
        #expect(lines.count == 16)
        guard case .text(let omission)? = messages.last else {
            Issue.record("nothing is said of the lines that were left out")
            return
        }
        #expect(omission == "… 84 lines left out: they were written faster than they are read")
        #expect(messages.contains { if case .note = $0 { true } else { false } })
        box.postLine(.text(line), bytes: line.utf8.count)
        #expect(box.takeAll().count == 1)
    }
}
