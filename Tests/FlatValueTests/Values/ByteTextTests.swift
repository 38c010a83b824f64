import Testing

@testable import FlatValue

struct ByteTextTests {
    static let spellings = ["caf\u{E9}", "cafe\u{301}"]

    @Test(arguments: [0, 40]) func `an object keeps keys that spell a letter in different ways`(others: Int) {
        let rest = (0..<others).map { ("k\($0)", Value($0 % 2 == 0)) }
        let object = Value(entries: rest + Self.spellings.enumerated().map { ($1, Value(Int64($0))) } + [("k0", 7)])
        #expect(object[Self.spellings[0]] == 0)
        #expect(object[Self.spellings[1]] == 1)
        #expect(object["k0"] == 7)
        #expect(object.entries?.count == max(others, 1) + 2)
    }

    @Test func `the syntax of a text is that of its bytes`() {
        let path = "a/\u{301}b//c"
        #expect(path.pieces(between: "/").count == 3)
        #expect(path.pieces(between: "/", atMost: 2).map(String.init) == ["a", "\u{301}b//c"])
        #expect(path.pieces(between: "/", omittingEmpty: false).count == 4)
        #expect("/\u{301}".begins(with: "/") && "x/\u{301}".has(byte: "/"))
        #expect("/\u{301}x".rest(after: "/") == "\u{301}x")
        #expect("a?\u{301}b".part(before: "#?") == "a")
        #expect(!Self.spellings[0].isSpelled(like: Self.spellings[1]) && !Self.spellings[0].ends(with: "e\u{301}"))
        #expect("a/b/\u{301}".lastPlace(of: "/").map { "a/b/\u{301}"[..<$0] } == "a/b")
        #expect(Set(Self.spellings.map(ByteText.init)).count == 2)
    }
}
