import Testing

@testable import FlatValue

@Suite struct `Reading JSON` {
    @Test(
        arguments: [
            ("null", nil), ("true", true), ("false", false), ("0", 0), ("-7", -7),
            ("9223372036854775807", 9_223_372_036_854_775_807),
            ("-9223372036854775808", -9_223_372_036_854_775_808), (#""a\"b""#, "a\"b"), ("[]", []), ("{}", [:]),
            (#" { "a" : [ 1 , 2.5 , "x" ] , "b" : null } "#, ["a": [1, 2.5, "x"], "b": nil]),
        ] as [(String, Value)])
    func `a text gives its value`(text: String, expected: Value) throws {
        let value = try Value(json: text)
        #expect(value == expected)
        #expect(value.tag == expected.tag)
    }

    @Test(arguments: [
        ("1.0", 1.0), ("-0", -0.0), ("-0.0", -0.0), ("1e2", 100.0), ("0.1", 0.1), ("1E-7", 1e-7),
        ("5e-324", .leastNonzeroMagnitude),
        ("9223372036854775808", 9_223_372_036_854_775_808.0), ("1.7976931348623157e308", 1.7976931348623157e308),
        ("123456789012345678901234567890", 123456789012345678901234567890.0), ("1e-400", 0.0),
        ("0.30000000000000004", 0.1 + 0.2),
        ("9007199254740993.0", 9_007_199_254_740_992.0), ("100000000000000000000000e-23", 1.0),
    ])
    func `a number that is not a 64-bit integer is the nearest double`(text: String, expected: Double) throws {
        let value = try Value(json: text)
        #expect(value.tag == .double)
        #expect(value.double?.bitPattern == expected.bitPattern)
    }

    @Test(arguments: [
        (#""\u0041\n\t\/\\""#, "A\n\t/\\"), (#""\ud83d\ude00""#, "😀"), (#""\u00e9\uFFFF\u0000""#, "é\u{FFFF}\0"),
        ("\"Zoë 😀 naïve, a longer text\"", "Zoë 😀 naïve, a longer text"), ("\"\u{7F}\"", "\u{7F}"),
    ])
    func `a string is unescaped`(text: String, expected: String) throws {
        #expect(try Value(json: text).string == expected)
    }

    @Test(arguments: [
        ("", "1:1: expected a value, got the end of the text"),
        ("{\n  \"a\" 1}", "2:7: expected ':' after a key, got '1'"),
        ("[1,]", "1:4: expected a value, got ']'"),
        ("[1 2]", "1:4: expected ',' or ']', got '2'"),
        ("{\"a\":1,}", "1:8: expected a key, got '}'"),
        ("{a:1}", "1:2: expected a key or '}', got 'a'"),
        ("{\"é\":1 \"b\":2}", "1:8: expected ',' or '}', got '\"'"),
        ("1 2", "1:3: expected the end of the text, got '2'"),
        ("\"abc", "1:1: the string that begins here has no end"),
        ("\"a\nb\"", "1:3: a control character in a string must be escaped"),
        ("01", "1:1: a number may not begin with 0"), ("-", "1:2: expected a digit, got the end of the text"),
        ("1.", "1:3: expected a digit after the decimal point, got the end of the text"),
        ("1.e2", "1:3: expected a digit after the decimal point, got 'e'"),
        ("1e+", "1:4: expected a digit of the exponent, got the end of the text"),
        ("1e999", "1:1: the number is too large"), ("tru", "1:1: expected 'true'"), ("nulL", "1:1: expected 'null'"),
        ("+1", "1:1: expected a value, got '+'"), ("NaN", "1:1: expected a value, got 'N'"),
        (#""\x""#, #"1:2: unknown escape in a string; expected one of \" \\ \/ \b \f \n \r \t \u"#),
        (#""\u12G4""#, #"1:2: expected four hexadecimal digits after \u"#),
        (#""\ud800""#, "1:2: a high surrogate without a low one after it"),
        (#""\ud800\u0041""#, "1:2: a high surrogate without a low one after it"),
        (#""\udc00""#, "1:2: a low surrogate without a high one before it"),
        ("\u{1}", "1:1: expected a value, got byte 0x01"),
    ])
    func `a text that is not JSON is refused with its place`(text: String, message: String) {
        #expect(throws: JSONError.self) { try Value(json: text) }
        do { _ = try Value(json: text) } catch { #expect(error.description == message) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError(line: 1, column: 2, message: "the text is not UTF-8")) {
            try bytes.withUnsafeBytes { try Value(json: $0) }
        }
    }

    @Test func `of a key given twice the last value counts`() throws {
        #expect(try Value(json: #"{"a":1,"b":2,"a":{"c":3}}"#) == ["a": ["c": 3], "b": 2])
        let many = (0..<100).map { #""k\#($0 % 40)":\#($0)"# }.joined(separator: ",")
        let value = try Value(json: "{\(many)}")
        #expect(value.count == 40)
        #expect(value["k0"] == 80)
        #expect(value["k39"] == 79)
    }

    @Test func `a key of the outermost object that comes twice can be refused`() throws {
        #expect(throws: JSONError(line: 2, column: 7, message: "the key 'a' comes twice", repeatedKey: "a")) {
            try Value(json: "{\"a\":1,\n\"b\":2,\"\\u0061\":3}", isStrict: true)
        }
        // Keys are compared by their bytes.
        for text in [#"{"a":{"b":1,"b":2},"b":3}"#, #"[{"a":1,"a":2}]"#, "{\"\u{e9}\":1,\"e\u{301}\":2}"] {
            #expect(try Value(json: text, isStrict: true) == Value(json: text))
        }
    }

    @Test func `nesting is capped`() throws {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try Value(json: deep).json == deep)
        #expect(throws: JSONError(line: 1, column: 129, message: "nested more than 128 levels deep")) {
            try Value(json: "[" + deep + "]")
        }
        #expect(throws: JSONError.self) { try Value(json: String(repeating: #"{"a":"#, count: 1_000_000)) }
    }

    @Test func `a failure leaves the arena as it was`() throws {
        var arena = ByteArena()
        defer { arena.deallocate() }
        arena.write("before")
        let before = Array(arena.bytes)
        #expect(throws: JSONError.self) {
            try Array("[1,2,{\"a\":\"long enough to move the arena\"}".utf8).withUnsafeBytes {
                try arena.appendJSON($0)
            }
        }
        #expect(Array(arena.bytes) == before)
    }
}
