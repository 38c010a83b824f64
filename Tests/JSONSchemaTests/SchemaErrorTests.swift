import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `A schema that cannot be used` {
    @Test(arguments: [
        ("3", "#: a schema must be an object or a boolean, not number"),
        (
            #"{"type":"strin"}"#,
            ##"#/type: must be string, number, integer, boolean, array, object or null, not string "strin""##
        ),
        (#"{"properties":{"a/b":{"minimum":"1"}}}"#, "#/properties/a~1b/minimum: must be a number, not string"),
        (#"{"minLength":-1}"#, "#/minLength: must be an integer of at least 0, not number -1"),
        (#"{"pattern":"("}"#, "#/pattern: '(' is not a regular expression of ECMA-262: missing closing parenthesis"),
        (##"{"$ref":"#/nowhere"}"##, "#/$ref: '#/nowhere' points to nothing"),
        (#"{"$ref":"other.json"}"#, "#/$ref: no schema is known by the name 'other.json'"),
        (##"{"$ref":"#name"}"##, "#/$ref: there is no anchor 'name' in ''"),
        (##"{"$ref":"#"}"##, "#: the schema refers to itself without end"),
        (
            ##"{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#"}]}}}"##,
            "#: the schema refers to itself without end"
        ),
        (#"{"items":[{}]}"#, "#/items: must be a schema; a list of schemas is 'prefixItems' since draft 2020-12"),
        (#"{"anyOf":[]}"#, "#/anyOf: must be a list of at least one schema"),
        (#"{"multipleOf":0}"#, "#/multipleOf: must be greater than 0"),
        (#"{"required":["a",1]}"#, "#/required: must hold names, not number"),
        (#"{"$id":"a#b"}"#, "#/$id: must not have a fragment"),
        (
            #"{"x-aikit":{"unknown":"drop"}}"#,
            ##"#/x-aikit: 'unknown' must be strip, strict or passthrough, not string "drop""##
        ),
        ("{", "#: the schema is not JSON: 1:2: expected a key or '}', got the end of the text"),
    ])
    func `is refused with its place`(schema: String, message: String) {
        do {
            _ = try Schema(json: schema)
            Issue.record("\(schema) was taken")
        } catch { #expect(error.description == message) }
    }

    @Test func `a vocabulary that is required and unknown is refused`() {
        var registry = SchemaRegistry()
        registry.register(["$id": "https://example.com/meta", "$vocabulary": ["https://example.com/vocab": true]])
        #expect(throws: SchemaError.self) {
            try Schema(["$schema": "https://example.com/meta"], options: .init(registry: registry))
        }
    }

    @Test(arguments: [
        "schema", "meta/core", "meta/applicator", "meta/unevaluated", "meta/validation", "meta/meta-data",
        "meta/format-annotation", "meta/format-assertion", "meta/content",
    ])
    func `the meta-schemas are known and valid by themselves`(name: String) throws {
        let uri = "https://json-schema.org/draft/2020-12/\(name)"
        let document = try #require(MetaSchemas.document(uri))
        #expect(try verdict(#"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#, document) == document.json)
        #expect(try verdict(#"{"$ref":"\#(uri)"}"#, ["type": "object"]) == #"{"type":"object"}"#)
    }
}
