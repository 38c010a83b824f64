import Testing

@testable import aikit_lua

struct KeyDecoderTests {
    private func keys(_ text: String) -> [Key] {
        var decoder = KeyDecoder()
        return decoder.take(text.utf8)
    }

    @Test func `what terminals send for keys is understood, in its several forms`() {
        #expect(keys("\u{1B}[A\u{1B}OB\u{1B}[C\u{1B}[D") == [.up, .down, .right, .left])
        #expect(keys("\u{1B}[H\u{1B}[4~\u{1B}[3~\u{1B}[1;5D\u{1B}f") == [.home, .end, .delete, .wordLeft, .wordRight])
        #expect(
            keys("a\r\n\t\u{7F}\u{08}\u{01}") == [
                .character("a"), .enter, .enter, .tab, .backspace, .backspace, .control("a"),
            ])
        #expect(keys("ä€😀") == [.character("ä"), .character("€"), .character("😀")])
    }

    @Test func `a key that comes byte by byte is one key`() {
        var decoder = KeyDecoder()
        let parts = "€\u{1B}[A".utf8.map { decoder.take([$0]) }
        #expect(parts.flatMap { $0 } == [.character("€"), .up])
        #expect(!decoder.isPending)
    }

    @Test func `an escape by itself is known when nothing follows`() {
        var decoder = KeyDecoder()
        #expect(decoder.take([0x1B]).isEmpty)
        #expect(decoder.isPending)
        #expect(decoder.flush() == [.escape])
        #expect(!decoder.isPending)
    }

    @Test func `bytes that are no text are passed over`() {
        var decoder = KeyDecoder()
        #expect(decoder.take([0xFF, 0xC3, 0x28, 0x61]) == [.character("("), .character("a")])
    }
}

struct LineEditorTests {
    /// A line after some keys; letters stand for themselves.
    private func editor(_ text: String = "", history: [String] = [], _ keys: Key...) -> LineEditor {
        var editor = LineEditor(text, history: history)
        for key in keys { _ = editor.take(key) }
        return editor
    }

    @Test func `letters go in where the cursor is`() {
        let line = editor("abd", .left, .character("c"))
        #expect(line.text == "abcd")
        #expect(line.textBeforeCursor == "abc")
        #expect(editor("b", .home, .character("a")).text == "ab")
    }

    @Test func `backspace, delete and the arrows take whole characters`() {
        #expect(editor("ae\u{301}", .backspace).text == "a")
        #expect(editor("👩‍👧x", .left, .backspace).text == "x")
        #expect(editor("👩‍👧x", .home, .delete).text == "x")
        #expect(editor("e\u{301}x", .home, .right).textBeforeCursor == "e\u{301}")
    }

    @Test func `words are passed and cut as a whole`() {
        #expect(editor("local value_1 = ", .wordLeft).textBeforeCursor == "local ")
        #expect(editor("one two", .home, .wordRight).textBeforeCursor == "one")
        #expect(editor("one two", .control("w")).text == "one ")
        #expect(editor("one two", .control("w"), .home, .control("y")).text == "twoone ")
        #expect(editor("one two", .wordLeft, .control("k")).text == "one ")
        #expect(editor("one two", .wordLeft, .control("u")).text == "two")
    }

    @Test func `the history is walked, and what was being written comes back`() {
        let past = ["first", "second"]
        #expect(editor("dra", history: past, .up).text == "second")
        #expect(editor("dra", history: past, .up, .up, .up).text == "first")
        #expect(editor("dra", history: past, .up, .up, .down, .down).text == "dra")
    }

    @Test func `enter, tab, escape and the end of input are for the caller`() {
        var line = LineEditor("return 1")
        #expect(line.take(.enter) == .submitted("return 1"))
        #expect(line.take(.tab) == .completes)
        #expect(line.take(.control("c")) == .abandoned)
        #expect(line.take(.control("d")) == .edited)
        var empty = LineEditor()
        #expect(empty.take(.control("d")) == .ended)
    }

    @Test func `of a line that is too long the part around the cursor is shown`() {
        let short = LineView(LineEditor("abc"), prompt: "> ", columns: 40)
        #expect(short.text == "abc")
        #expect(short.cursor == 5)
        let long = LineView(LineEditor(String(repeating: "x", count: 50) + "end"), prompt: "> ", columns: 23)
        #expect(long.text.count == 20)
        #expect(long.text.hasSuffix("end"))
        #expect(long.cursor == 22)
    }

    @Test func `wide characters take two columns, combining ones none`() {
        #expect(ScreenText.width(of: "日本") == 4)
        #expect(ScreenText.width(of: "e\u{301}") == 1)
        #expect(LineView(LineEditor("日"), prompt: "> ", columns: 40).cursor == 4)
    }
}
