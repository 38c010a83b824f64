import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Tags of a run` {
    @Test func `names are in order, and whole numbers are the same however they were written`() throws {
        let tags = try RunTags(["region": "eu", "count": 3.0, "paid": true, "share": 0.5])
        #expect(tags.tags.map(\.name) == ["count", "paid", "region", "share"])
        #expect(try tags == RunTags(["paid": true, "share": 0.5, "count": 3, "region": "eu"]))
        #expect(try tags == RunTags(tags.value))
        #expect(tags.tags.map(\.key) == ["n3", "true", "teu", "n0.5"])
        #expect(try RunTags(["a": "3"]).tags[0].key != RunTags(["a": 3]).tags[0].key)
    }

    @Test func `what no tag can be is refused`() throws {
        let many = Value(entries: (0...RunTags.most).map { ("t\($0)", Value(Int64($0))) })
        let long = Value(String(repeating: "x", count: RunTags.longestText + 1))
        let name = String(repeating: "n", count: RunTags.longestName + 1)
        func one(_ name: String, _ value: Value = 1) -> Value { Value(entries: [(name, value)]) }
        let refused: [Value] = [
            5, Value(array: [1]), many, one(""), one("a b"), one("a=b"), one("a:b"), one("a\u{0}"), one("a\u{a0}"),
            one("a", .null), one("a", Value(array: [1])), one("a", one("b")), one("a", long), one("a", "x\u{0}"),
            one("a", "x\ny"), one(name),
        ]
        for value in refused {
            #expect(throws: RunTagFault.self, "\(value.json.prefix(60))") { try RunTags(value) }
        }
        #expect(try RunTags(.emptyObject).isEmpty)
    }

    @Test func `later tags stand over earlier ones, up to the number that a run may have`() throws {
        let tags = try RunTags(["a": 1, "b": 2]).merging(RunTags(["b": 3, "c": 4]))
        #expect(tags.value == ["a": 1, "b": 3, "c": 4])
        let full = try RunTags(Value(entries: (0..<RunTags.most).map { ("t\($0)", Value(Int64($0))) }))
        #expect(try full.merging(RunTags(["t0": 7])).tags.count == RunTags.most)
        #expect(throws: RunTagFault.self) { try full.merging(RunTags(["other": 7])) }
    }

    @Test func `a word means a number or a boolean where it reads as one, and its text`() throws {
        func keys(_ word: String) throws -> [String] { try RunTag.candidates("a", word).map(\.key) }
        #expect(try keys("3") == ["n3", "t3"])
        #expect(try keys("3.0") == ["n3", "t3.0"])
        #expect(try keys("true") == ["true", "ttrue"])
        #expect(try keys("eu") == ["teu"])
        #expect(try keys(#""3""#) == ["t3"])
        #expect(try keys("null") == ["tnull"])
        #expect(try keys("{}") == ["t{}"])
        #expect(try keys("") == ["t"])
        #expect(throws: RunTagFault.self) { try RunTag.candidates("a b", "1") }
    }

    @Test func `the text of a tag can be given as a word again`() throws {
        for value: Value in ["eu", "3", "true", 3, 2.5, false, "a b", #""quoted""#] {
            let tag = try RunTags(Value(entries: [("a", value)])).tags[0]
            let word = tag.text.dropFirst(2)
            #expect(try RunTag.candidates("a", String(word)).contains(tag), "\(tag.text)")
        }
    }
}
