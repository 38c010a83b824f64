import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `What is said of an invalid value` {
    @Test(arguments: [
        (#"{"type":"string"}"#, "42", "expected string, got number 42"),
        (#"{"properties":{"city":{"type":"string"}}}"#, #"{"city":42}"#, "city: expected string, got number 42"),
        (#"{"type":["string","null"]}"#, "[1,2]", "expected string or null, got array of 2"),
        (#"{"type":"array"}"#, #"{"a":1,"b":2,"c":3,"d":4}"#, "expected array, got object {a, b, c, …}"),
        (#"{"type":"integer"}"#, "1.5", "expected integer, got number 1.5"),
        (
            #"{"properties":{"items":{"items":{"properties":{"price":{"minimum":0}}}}}}"#,
            #"{"items":[{"price":1},{"price":2},{"price":-2}]}"#, "items[3].price: must be at least 0 (got -2)"
        ),
        (#"{"exclusiveMinimum":0}"#, "0", "must be greater than 0 (got 0)"),
        (#"{"maximum":1.5}"#, "2", "must be at most 1.5 (got 2)"),
        (#"{"exclusiveMaximum":2}"#, "2.0", "must be less than 2 (got 2)"),
        (#"{"multipleOf":5}"#, "7", "must be a multiple of 5 (got 7)"),
        (#"{"minLength":1}"#, #""""#, "must not be empty"),
        (#"{"minLength":3}"#, #""ab""#, "must have at least 3 characters (has 2)"),
        (#"{"maxLength":1}"#, #""ab""#, "must have at most 1 character (has 2)"),
        (#"{"pattern":"^a+"}"#, #""b""#, #"must match the pattern ^a+ (got "b")"#),
        (#"{"pattern":"^a\\.b"}"#, #""b""#, #"must start with "a.b" (got "b")"#),
        (#"{"pattern":"a$"}"#, #""b""#, #"must end with "a" (got "b")"#),
        (#"{"pattern":"a"}"#, #""b""#, #"must contain "a" (got "b")"#),
        (#"{"pattern":"^\\d$"}"#, #""b""#, #"must match the pattern ^\d$ (got "b")"#),
        (#"{"minItems":2}"#, "[1]", "must have at least 2 items (has 1)"),
        (#"{"maxItems":0}"#, "[1]", "must be empty (has 1 item)"),
        (#"{"uniqueItems":true}"#, "[1,2,1.0]", "must not repeat items (items 1 and 3 are equal)"),
        (#"{"contains":{"type":"string"}}"#, "[1]", "must contain an item that fits (expected string)"),
        (#"{"enum":["a","b",1]}"#, #""c""#, #"must be "a", "b" or 1 (got "c")"#),
        (#"{"const":"send"}"#, #""drop""#, #"must be "send" (got "drop")"#),
        (#"{"required":["city"]}"#, "{}", "city: is missing (expected a value)"),
        (#"{"properties":{"city":{"type":"string"}},"required":["city"]}"#, "{}", "city: is missing (expected string)"),
        (
            #"{"properties":{"city":true},"additionalProperties":false}"#, #"{"ctiy":1}"#,
            "ctiy: is not a known key (did you mean 'city'?)"
        ),
        (#"{"properties":{"a":false}}"#, #"{"a":1}"#, "a: is not allowed (got number 1)"),
        (#"{"propertyNames":{"maxLength":2}}"#, #"{"abc":1}"#, "abc: the key must have at most 2 characters (has 3)"),
        (#"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, "must have 'b' where there is 'a'"),
        (#"{"not":{"type":"string"}}"#, #""x""#, #"must not be string (got "x")"#),
        (#"{"prefixItems":[true],"items":false}"#, "[1,2]", "must have at most 1 item (has 2)"),
        (
            #"{"unevaluatedProperties":false,"allOf":[{"properties":{"a":true}}]}"#, #"{"a":1,"b":2}"#,
            "b: is not a known key"
        ),
        (#"{"properties":{"a b":{"type":"null"}}}"#, #"{"a b":1}"#, #"["a b"]: expected null, got number 1"#),
    ])
    func `an issue names the place, what was expected and what came`(schema: String, instance: String, text: String)
        throws
    {
        #expect(try verdict(schema, instance) == text)
    }

    @Test func `all issues are told at once, each with pointers and a code`() throws {
        let schema = try Schema(
            json:
                ##"{"properties":{"a":{"type":"string"},"b/c":{"items":{"$ref":"#/$defs/n"}}},"$defs":{"n":{"minimum":1}}}"##
        )
        guard case .invalid(let issues) = schema.validate(["a": 1, "b/c": [0, 5, -1]]) else {
            Issue.record("taken")
            return
        }
        #expect(issues.map(\.pointer) == ["/a", "/b~1c/0", "/b~1c/2"])
        #expect(issues.map(\.keywordLocation) == ["#/properties/a/type", "#/$defs/n/minimum", "#/$defs/n/minimum"])
        #expect(issues.map(\.code) == [.invalidType, .tooSmall, .tooSmall])
        #expect(issues[0].expected == "string" && issues[0].received == "number 1")
        #expect(issues[0].value["code"] == "invalid_type")
        #expect(
            SchemaIssue.summary(issues) == """
                3 problems:
                  a: expected string, got number 1
                  ["b/c"][1]: must be at least 1 (got 0)
                  ["b/c"][3]: must be at least 1 (got -1)
                """)
    }

    @Test func `issues of values without an order of keys come in the order of their paths`() throws {
        var options = Schema.Options()
        options.keepsKeyOrder = false
        let schema = try Schema(
            json: #"{"required":["z","c"],"properties":{"b":{"items":{"type":"string"}},"a":{"type":"null"}}}"#,
            options: options)
        let list = Value(array: (0..<12).map { Value(Int64($0)) })
        for instance in [["b": list, "a": 1], ["a": 1, "b": list]] as [Value] {
            guard case .invalid(let issues) = schema.validate(instance) else {
                Issue.record("taken")
                continue
            }
            #expect(issues.map(\.pointer) == ["/a"] + (0..<12).map { "/b/\($0)" } + ["/c", "/z"])
        }
    }

    @Test func `no more than a hundred issues are told`() throws {
        let schema = try Schema(json: #"{"items":{"type":"string"}}"#)
        guard case .invalid(let issues) = schema.validate(Value(array: (0..<500).map { Value(Int64($0)) })) else {
            Issue.record("taken")
            return
        }
        #expect(issues.count == 100)
        #expect(SchemaIssue.summary(issues).hasPrefix("100 or more problems:"))
    }

    @Test func `long values are cut`() throws {
        let text = String(repeating: "long ", count: 50)
        let message = try verdict(#"{"type":"number"}"#, Value(text))
        #expect(message.count < 80)
        #expect(message.hasSuffix("…\""))
    }

    @Test(arguments: [
        (#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#, "true", "expected string or number, got boolean true"),
        (
            #"{"anyOf":[{"type":"string"},{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}]}"#,
            #"{"a":"x"}"#, #"a: expected number, got string "x""#
        ),
        (
            #"""
            {"oneOf":[{"properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"]},
            {"properties":{"kind":{"const":"square"},"side":{"type":"number"}},"required":["kind","side"]}]}
            """#, #"{"kind":"square","side":"3"}"#, #"side: expected number, got string "3""#
        ),
        (
            #"""
            {"oneOf":[{"properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"]},
            {"properties":{"kind":{"const":"square"},"side":{"type":"number"}},"required":["kind","side"]}]}
            """#, #"{"kind":"tri"}"#, #"kind: must be "circle" or "square" (got string "tri")"#
        ),
        (
            #"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#, "3",
            "must match exactly one of 2 schemas, but matches 2 (got 3)"
        ),
    ])
    func `a union is refused by its nearest branch`(schema: String, instance: String, text: String) throws {
        #expect(try verdict(schema, instance) == text)
    }

    @Test func `name all that a missing discriminator may be`() throws {
        let schema = #"""
            {"x-aikit":{"discriminator":"type"},"anyOf":[
            {"type":"object","required":["type"],"properties":{"type":{"const":"mail"}}},
            {"type":"object","required":["type"],"properties":{"type":{"enum":["sms","call"]}}}]}
            """#
        #expect(try verdict(schema, "{}") == #"type: is missing (expected "mail" or "sms" or "call")"#)
        #expect(try verdict(schema, #"{"type":"x"}"#) == #"type: must be "mail" or "sms" or "call" (got string "x")"#)
    }
}
