import TestInputs
import Testing

@testable import FlatValue

@Suite struct `Writing JSON` {
    @Test func `keys are sorted by their bytes`() {
        let value: Value = ["b": 1, "a": [["z": 1, "y": 2]], "ab": nil, "": true, "é": false]
        #expect(value.json == #"{"":true,"a":[{"y":2,"z":1}],"ab":null,"b":1,"é":false}"#)
        let many = Value(entries: (0..<60).reversed().map { ("k\($0 + 100)", Value(Int64($0))) })
        #expect(many.json == "{" + (0..<60).map { "\"k\($0 + 100)\":\($0)" }.joined(separator: ",") + "}")
    }

    @Test(arguments: [
        (1.0, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e21, "1e+21"), (.leastNonzeroMagnitude, "5e-324"),
        (123456.789, "123456.789"),
        (0.1 + 0.2, "0.30000000000000004"),
    ])
    func `a double takes the shortest text that stays a double`(double: Double, text: String) throws {
        #expect(Value(double).json == text)
        let back = try Value(json: text)
        #expect(back.double?.bitPattern == double.bitPattern)
    }

    @Test(arguments: [Int64.min, -10, -1, 0, 9, 10, 1_234_567_890_123, Int64.max])
    func `an integer is written in full`(integer: Int64) { #expect(Value(integer).json == integer.description) }

    @Test func `what a string may not hold is escaped`() {
        #expect(
            Value("a\"\\/\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é😀").json == #""a\"\\/\n\r\t\b\f\u0001\u001f"# + "\u{7F}é😀\"")
    }

    @Test func `bytes that are not UTF-8 become a replacement character`() throws {
        let value = Value { arena in [UInt8]([0x61, 0xFF, 0x62, 0xE2, 0x82]).withUnsafeBytes { arena.writeString($0) } }
        #expect(value.json == "\"a\u{FFFD}b\u{FFFD}\u{FFFD}\"")
    }

    @Test func `the pretty form takes two spaces a level`() {
        let value: Value = ["a": [1, ["b": true]], "c": [:], "d": []]
        #expect(
            value.prettyJSON == """
                {
                  "a": [
                    1,
                    {
                      "b": true
                    }
                  ],
                  "c": {},
                  "d": []
                }
                """)
    }

    @Test func `an unmarked empty table is an empty object`() {
        #expect(Value { $0.append(ValueTag.emptyTable.rawValue) }.json == "{}")
    }

    @Test func `whatever is written reads back the same`() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<4000 {
            let value = Value.random(depth: 4, using: &random)
            for text in [value.json, value.prettyJSON] {
                let back = try Value(json: text)
                #expect(back == value)
                #expect(back.json == value.json, "tags survive, not only equality")
            }
            let bytes = value.withBytes { Array($0) }
            #expect(try Value(validating: bytes) == value)
        }
    }
}
