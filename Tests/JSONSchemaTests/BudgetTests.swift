import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `Validation that would take long` {
    /// Schemas of which each refers twice to the next, over `levels` levels.
    private static func doubled(_ keyword: String, levels: Int) -> String {
        let definitions = (0..<levels).map { level in
            ##""s\##(level)":{"\##(keyword)":[{"$ref":"#/$defs/s\##(level + 1)"},{"$ref":"#/$defs/s\##(level + 1)"}]}"##
        }
        return
            ##"{"$ref":"#/$defs/s0","$defs":{\##(definitions.joined(separator: ",")),"s\##(levels)":{"type":"string"}}}"##
    }

    @Test func `judges a value once by a schema that is reached on many ways`() throws {
        #expect(try verdict(Self.doubled("anyOf", levels: 60), "1") == "expected string, got number 1")
        #expect(try verdict(Self.doubled("allOf", levels: 60), #""x""#) == #""x""#)
        #expect(try verdict(Self.doubled("oneOf", levels: 60), #""x""#).hasPrefix("must match exactly one"))
    }

    @Test func `remembers what has been evaluated`() throws {
        let parts = ##""$ref":"#/$defs/s0","unevaluatedProperties":false,"$defs":{"##
        let levels = (0..<40).map {
            ##""s\##($0)":{"anyOf":[{"$ref":"#/$defs/s\##($0 + 1)"},{"$ref":"#/$defs/s\##($0 + 1)"}]}"##
        }
        let schema = "{\(parts)\(levels.joined(separator: ",")),\"s40\":{\"properties\":{\"a\":true}}}}"
        #expect(try verdict(schema, #"{"a":1}"#) == #"{"a":1}"#)
        #expect(try verdict(schema, #"{"a":1,"b":2}"#) == "b: is not a known key")
    }

    @Test func `sees that a dynamic reference comes back to itself on two ways`() throws {
        let endless = ##"{"$dynamicAnchor":"a","anyOf":[{"$dynamicRef":"#a"},{"$dynamicRef":"#a"}]}"##
        #expect(try verdict(endless, "1").contains("without end"))
    }

    /// An object of `count` keys whose schemas `value` makes.
    private static func object(_ count: Int, _ value: (Int) -> String) -> String {
        "{" + (0..<count).map { #""p\#($0)":\#(value($0))"# }.joined(separator: ",") + "}"
    }

    @Test func `makes an intersection of thousands of schemas without a set of keys for each`() throws {
        let parts = (0..<4000).map { #"{"x-aikit":{"unknown":"strict"},"properties":{"p\#($0)":{"type":"number"}}}"# }
        let schema = "{\"allOf\":[\(parts.joined(separator: ","))]}"
        #expect(try verdict(schema, #"{"p3999":1,"p7":2}"#) == #"{"p3999":1,"p7":2}"#)
        #expect(try verdict(schema, #"{"q":1}"#).contains("q: is not a known key"))
    }

    @Test func `does not multiply long names, identifiers and intersections`() throws {
        let name = String(repeating: "n", count: 1_000_000)
        let below = "{\"properties\":{\"\(name)\":{\"properties\":\(Self.object(4000) { _ in "{}" })}}}"
        #expect(try verdict(below, #"{"a":1}"#) == #"{"a":1}"#)
        for (schema, keyword) in [(#"{"$id":"http://e.x/\#(name)"}"#, "$id"), (#"{"$ref":"/\#(name)"}"#, "$ref")] {
            let error = SchemaError(pointer: "/\(keyword)", message: "must not be longer than 4096 bytes")
            #expect(throws: error) { try Schema(json: schema) }
        }
        let base = #""$defs":{"b":{"properties":\#(Self.object(5000) { _ in "{}" })}}"#
        let tops = Self.object(50) { ##"{"allOf":[{"$ref":"#/$defs/b"},{"properties":{"z\##($0)":{}}}]}"## }
        let error = SchemaError(
            pointer: "/$defs/b", message: "the intersections of the schema have more than 200000 keys together")
        #expect(throws: error) { try Schema(json: "{\(base),\"properties\":\(tops)}") }
    }

    @Test func `compiles each pattern once, and not any number`() throws {
        func schema(_ patterns: Int, of count: Int = 2000) -> String {
            "{\"properties\":\(Self.object(count) { #"{"pattern":"^a\#($0 % patterns)$"}"# })}"
        }
        #expect(try verdict(schema(100), #"{"p101":"a1"}"#) == #"{"p101":"a1"}"#)
        #expect(throws: SchemaError.self) { try Schema(json: schema(10_001, of: 10_001)) }
    }

    @Test func `asks while many patterns look at many keys`() throws {
        let patterns = (0..<3000).map { #""^q\#($0)$":{}"# }.joined(separator: ",")
        let value = try Value(json: Self.object(2000) { _ in "1" })
        #expect(try verdict("{\"patternProperties\":{\(patterns)}}", value, functions: Patience(3)) == "stopped")
    }

    /// Says no at the nth question.
    final class Patience: SchemaFunctions {
        var questions = 0
        let limit: Int

        init(_ limit: Int) { self.limit = limit }

        func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement { .passes }
        func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation { .done }
        func mayContinue() -> Bool {
            questions += 1
            return questions < limit
        }
    }

    @Test func `stops when it is told to`() throws {
        let list = Value(array: (0..<20_000).map { Value(Int64($0)) })
        let schema = #"{"items":{"type":"integer","x-aikit":{"functions":[{"refine":1}]}}}"#
        let patience = Patience(3)
        #expect(try verdict(schema, list, functions: patience) == "stopped")
        #expect(patience.questions == 3)
        #expect(try verdict(schema, list, functions: Patience(.max)) == list.json)
    }

    @Test func `asks while a value is compared with many others`() throws {
        let words = (0..<20_000).map { "word\($0)" }
        let last = Value(array: Array(repeating: Value("word19999"), count: 2000))
        let texts = "{\"items\":{\"enum\":[\(words.map { "\"\($0)\"" }.joined(separator: ","))]}}"
        #expect(try verdict(texts, last, functions: Patience(2)) == "stopped")
        let objects = words.prefix(5000).map { "{\"w\":\"\($0)\"}" }.joined(separator: ",")
        let others = Value(array: Array(repeating: ["w": "other"] as Value, count: 1000))
        #expect(try verdict("{\"items\":{\"enum\":[\(objects)]}}", others, functions: Patience(2)) == "stopped")
    }

    @Test func `asks while an object is gone over for each of its keys`() throws {
        let keys = (0..<2000).map { #""k\#($0)":{"required":["k\#(($0 + 1) % 2000)"]}"# }.joined(separator: ",")
        let object = Value(entries: (0..<2000).map { ("k\($0)", Value(Int64(1))) })
        let schema = #"{"dependentSchemas":{\#(keys)}}"#
        #expect(try verdict(schema, object, functions: Patience(2)) == "stopped")
        #expect(try verdict(schema, object, functions: Patience(.max)) == object.json)
    }

    @Test func `asks after each search of a pattern that gave up`() throws {
        let text = Value(String(repeating: "a", count: 40) + "!")
        let patience = Patience(2)
        let schema = #"{"items":{"pattern":"^(a+)+$"}}"#
        #expect(try verdict(schema, Value(array: Array(repeating: text, count: 50)), functions: patience) == "stopped")
        #expect(patience.questions == 2)
    }

    @Test func `searches no more once it is stopped, whatever is left of keys and patterns`() throws {
        let patterns = (0..<200).map { #""^(x+)+\#($0)$":true"# }.joined(separator: ",")
        let object = Value(
            entries: (0..<40).map { (String(repeating: "x", count: 2000) + "\($0)", Value(Int64(1))) })
        let patience = Patience(2)
        #expect(try verdict(#"{"patternProperties":{\#(patterns)}}"#, object, functions: patience) == "stopped")
        #expect(patience.questions == 2)
    }

    @Test(.timeLimit(.minutes(1))) func `takes as long for each name of many`() throws {
        let names = (0..<200_000).map { #""k\#($0)""# }.joined(separator: ",")
        let object = Value(entries: (0..<50_000).map { ("k\($0)", Value(Int64(1))) })
        let verdict = try verdict(#"{"required":[\#(names)],"dependentRequired":{"k1":[\#(names)]}}"#, object)
        #expect(verdict.contains("k50000: is missing"))
    }
}
