import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `Regular expressions of ECMA-262` {
    @Test(arguments: [
        (#"^\d+$"#, "42", true), (#"^\d+$"#, "٤٢", false), (#"^\w$"#, "é", false), (#"^\s$"#, "\u{FEFF}", true),
        (#"^\s$"#, "\u{2003}", true),
        (#"^\S$"#, "\u{A0}", false), (#"[\S]"#, " \u{A0}x", true), (#"[^\S]"#, "x", false), ("^a$", "a\n", false),
        ("a.b", "a\u{2028}b", false),
        ("a.b", "a\u{85}b", true), ("[^]", "\n", true), ("[]", "x", false), ("[]a]", "a]", false),
        (#"\cJ"#, "\n", true), (#"^\/$"#, "/", true),
        (#"^\u0041$"#, "A", true), (#"^\u{1F600}$"#, "😀", true), (#"^\uD83D\uDE00$"#, "😀", true),
        (#"^\x41$"#, "A", true),
        (#"^\p{Letter}+$"#, "Zoë", true), (#"^\p{L}+$"#, "a1", false), (#"^\P{Lu}$"#, "a", true),
        (#"^\p{Script=Greek}+$"#, "αβγ", true),
        (#"^\p{sc=Cyrillic}+$"#, "abc", false), (#"^\p{General_Category=Decimal_Number}$"#, "٤", true),
        (#"^[\p{Lu}\d]+$"#, "A1", true),
        ("^.$", "😀", true), (#"^(?<y>\d{4})-\k<y>$"#, "2024-2024", true), (#"(a)\1"#, "aa", true),
        ("^a{,3}$", "a{,3}", true),
        ("^{a}$", "{a}", true), ("[[:alpha:]]", "a]", true), ("[[:alpha:]]", "z]", false), (#"^[\b]$"#, "\u{8}", true),
        (#"a|\-"#, "-", true), ("(?=a)a", "a", true),
        ("(?<!b)a", "ca", true), (#"^\0$"#, "\0", true), ("a#b c", "a#b c", true), (#"^[\w\-.]+$"#, "a-b.c", true),
        (#"^(?:(a)|b)\1$"#, "b", true), ("[a-z&&b]", "&", true),
    ])
    func `an expression finds what ECMA-262 says`(source: String, text: String, found: Bool) throws {
        #expect(try Pattern(source).search(text) == (found ? .found : .absent))
    }

    @Test(arguments: [
        #"\Z"#, #"\A"#, #"\a"#, "a++", "(?>a)", "(?#x)", "(*FAIL)", "(?P<n>a)", "(?R)", "(a", "a)", "[a", "[z-a]",
        #"\"#, #"\u{110000}"#, #"\c1"#,
        #"\1"#, #"\p{Nonsense}"#, "a**", "*", #"\Qa\E"#, #"\01"#,
    ])
    func `what is no expression of ECMA-262 is refused`(source: String) {
        #expect(throws: Pattern.SyntaxError.self) { try Pattern(source) }
    }

    @Test func `what is too long for an expression is refused at once`() {
        for count in [30_000, 65_536, 1 << 20] {
            #expect(throws: Pattern.SyntaxError.self) { try Pattern(String(repeating: ".", count: count)) }
        }
    }

    @Test func `a search that backtracks without end gives up soon`() throws {
        let pattern = try Pattern("^(a+)+$")
        let clock = ContinuousClock()
        var answer = Pattern.Answer.found
        let time = clock.measure { answer = pattern.search(String(repeating: "a", count: 5000) + "b") }
        #expect(answer == .gaveUp)
        #expect(time < .seconds(2))
        let message = try verdict(#"{"pattern":"^(a+)+$"}"#, Value(String(repeating: "a", count: 5000) + "b"))
        #expect(message.hasPrefix("the pattern ^(a+)+$ takes too many steps on this text"))
    }

    /// What one item runs over is no step of PCRE2: these would take minutes.
    @Test(arguments: [#"[a-z]+\d[a-z]*$"#, #"^(?:(?![a-z]+\d).)*$"#, #"(?:[a-z]+\d|[a-y]+_?\d)x?"#])
    func `a search that looks at a long text again and again gives up`(source: String) throws {
        let text = String(repeating: "a", count: 1_000_000)
        #expect(try Pattern(source).search(text) == .gaveUp)
        #expect(try verdict(#"{"pattern":\#(Value(source).json)}"#, Value(text)).contains("takes too many steps"))
    }

    @Test(arguments: [
        (#"^[a-z]+$"#, true), (#"b$"#, true), (#"a{3}b"#, true), (#"\d{3}"#, false),
        (#"^.*a"#, true), (#"x|y|z"#, false), (#"(?<=a)b"#, true), (#"\bab"#, false),
    ])
    func `a long text is searched like a short one`(source: String, found: Bool) throws {
        for count in [300, 3000, 100_000] {
            let text = String(repeating: "a", count: count) + "b"
            #expect(try Pattern(source).search(text) == (found ? .found : .absent), "\(count)")
        }
    }

    @Test func `one pattern serves many threads`() async throws {
        let pattern = try Pattern("^[a-z]+[0-9]$")
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask {
                    (0..<2000).allSatisfy {
                        pattern.search("abc\($0 % 10)\(number < 4 ? "" : "x")") == (number < 4 ? .found : .absent)
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
