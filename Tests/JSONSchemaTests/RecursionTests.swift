import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `Schemas that refer to themselves` {
    private static let tree =
        ##"{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}},"required":["v"]}"##

    private func chain(_ length: Int, last: Value) -> Value {
        (0..<length).reduce(last) { value, _ in ["v": 1, "next": value] }
    }

    @Test func `walk values as deep as values may be`() throws {
        let depth = Value.maximumDepth - 1
        #expect(try verdict(Self.tree, chain(depth, last: ["v": 2])) == chain(depth, last: ["v": 2]).json)
        let wrong = try verdict(Self.tree, chain(depth, last: ["v": "x"]))
        #expect(wrong.hasSuffix(#"next.v: expected integer, got string "x""#))
        #expect(try verdict(Self.tree, chain(depth, last: ["v": 2.0])) == chain(depth, last: ["v": 2]).json)
    }

    @Test func `come to an end where a dynamic reference would go round for ever`() throws {
        let endless = ##"{"$dynamicAnchor":"a","$dynamicRef":"#a"}"##
        #expect(try verdict(endless, "1") == "the schema refers to itself without end")
    }

    @Test func `find the definitions of the schema that extends them`() throws {
        let schema = ##"""
            {"$id":"https://example.com/strict","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false,
            "$defs":{"tree":{"$id":"tree","$dynamicAnchor":"node","type":"object","properties":{"v":true,
            "children":{"items":{"$dynamicRef":"#node"}}}}}}
            """##
        #expect(try verdict(schema, #"{"children":[{"v":1}]}"#) == #"{"children":[{"v":1}]}"#)
        #expect(try verdict(schema, #"{"children":[{"w":1}]}"#) == "children[1].w: is not a known key")
    }

    @Test func `find other documents in the registry`() throws {
        var registry = SchemaRegistry()
        registry.register(
            ["$defs": ["city": ["$anchor": "city", "type": "string"]]], uri: "https://example.com/places.json")
        registry.register(["$id": "https://example.com/wind", "minimum": 0])
        let schema = try Schema(
            [
                "properties": ["a": ["$ref": "places.json#city"], "b": ["$ref": "/wind"]],
                "$id": "https://example.com/weather",
            ],
            options: .init(registry: registry))
        guard case .invalid(let issues) = schema.validate(["a": 1, "b": -1]) else {
            Issue.record("taken")
            return
        }
        #expect(
            issues.map(\.keywordLocation) == [
                "https://example.com/places.json#/$defs/city/type", "https://example.com/wind#/minimum",
            ])
    }
}
