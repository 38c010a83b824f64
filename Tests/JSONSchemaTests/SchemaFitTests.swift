import Testing

@testable import JSONSchema

@Suite struct `Whether what one step gives fits the next` {
    static func object(_ properties: String, required: String = "", mode: String = "strip") -> String {
        #"{"type":"object","properties":{\#(properties)},"required":[\#(required)],"x-aikit":{"unknown":"\#(mode)"}}"#
    }

    static let pair =
        #"{"type":"array","prefixItems":[{"type":"number"},{"type":"number"}],"items":false,"minItems":2}"#

    @Test(arguments: [
        (
            #"{"type":"string"}"#, #"{"type":"number"}"#,
            ["definite: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            object(#""wind":{"type":"string"}"#, required: #""wind""#),
            object(#""wind":{"type":"number"}"#, required: #""wind""#),
            ["definite: wind: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            object(#""a":{"type":"string"}"#, required: #""a""#), object(#""b":{"type":"string"}"#, required: #""b""#),
            ["definite: b: step 'fetch' does not give it, step 'risk' needs it (string)"]
        ),
        (
            object(#""a":{"type":"string"}"#, mode: "passthrough"),
            object(#""b":{"type":"string"}"#, required: #""b""#),
            ["doubtful: b: step 'fetch' does not promise it, step 'risk' needs it (string)"]
        ),
        (
            object(#""a":{"type":"string"}"#), object(#""a":{"type":"string"}"#, required: #""a""#),
            ["doubtful: a: step 'fetch' may leave it out, step 'risk' needs it"]
        ),
        (object(#""a":{"type":"string","default":"x"}"#), object(#""a":{"type":"string"}"#, required: #""a""#), []),
        (
            object(#""a":true"#),
            object(#""a":{"type":"string","default":"x"},"b":{"default":1}"#, required: #""a","b""#),
            []
        ),
        (
            object(#""a":true,"b":true"#, required: #""a""#), object("", mode: "strict"),
            [
                "definite: a: step 'fetch' gives it, step 'risk' allows no such key",
                "doubtful: b: step 'fetch' may give it, step 'risk' allows no such key",
            ]
        ),
        (
            #"{"type":["string","null"]}"#, #"{"type":"string"}"#,
            ["doubtful: step 'fetch' may give null, step 'risk' expects string"]
        ),
        (#"{"type":"string"}"#, #"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, []),
        (
            #"{"type":"boolean"}"#, #"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
            ["definite: step 'fetch' gives boolean, step 'risk' expects string or null"]
        ),
        (#"{"type":"integer"}"#, #"{"type":"number"}"#, []),
        (
            #"{"type":"number"}"#, #"{"type":"integer"}"#,
            ["doubtful: step 'fetch' may give number, step 'risk' expects integer"]
        ),
        (#"{"type":"string"}"#, #"{"type":"number","x-aikit":{"coerce":true}}"#, []),
        (#"{"enum":["a","b"]}"#, #"{"enum":["a","b","c"]}"#, []),
        (
            #"{"enum":["a","d"]}"#, #"{"enum":["a","b"]}"#,
            [#"doubtful: step 'fetch' may give "d", step 'risk' expects "a" or "b""#]
        ),
        (
            #"{"const":"x"}"#, #"{"enum":["a","b"]}"#,
            [#"definite: step 'fetch' gives "x", step 'risk' expects "a" or "b""#]
        ),
        (#"{"const":"x"}"#, #"{"type":"number"}"#, [#"definite: step 'fetch' gives "x", step 'risk' expects number"#]),
        (
            #"{"type":"string"}"#, #"{"enum":["a","b"]}"#,
            [#"doubtful: step 'fetch' may give any string, step 'risk' expects "a" or "b""#]
        ),
        (
            #"{"type":"array","items":{"type":"object","properties":{"price":{"type":"string"}}}}"#,
            #"{"type":"array","items":{"type":"object","properties":{"price":{"type":"number"}}}}"#,
            ["definite: [].price: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            object(#""items":{"type":"array","items":{"type":"string"}}"#),
            object(#""items":{"type":"array","items":{"type":"number"}}"#),
            ["definite: items[]: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            #"{"type":"number","minimum":0,"maximum":10}"#, #"{"type":"number","minimum":20}"#,
            ["definite: step 'fetch' gives 0 to 10, step 'risk' expects at least 20"]
        ),
        (
            #"{"type":"number","maximum":10}"#, #"{"type":"number","maximum":5}"#,
            ["doubtful: step 'fetch' may give at most 10, step 'risk' expects at most 5"]
        ),
        (#"{"type":"number"}"#, #"{"type":"number","maximum":5}"#, []),
        (
            #"{"type":"string","maxLength":2}"#, #"{"type":"string","minLength":3}"#,
            [
                "definite: step 'fetch' gives text of at most 2 characters, step 'risk' expects text of at least 3 characters"
            ]
        ),
        ("{}", #"{"type":"number"}"#, []), (#"{"type":"number"}"#, "true", []),
        (#"{"type":"number"}"#, "false", ["definite: step 'fetch' gives it, step 'risk' allows nothing there"]),
        (#"{"type":"string","x-aikit":{"functions":[{"transform":1}]}}"#, #"{"type":"number"}"#, []),
        (
            #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"string"}},"required":["k","x"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}"#,
            #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"number"}},"required":["k","x"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}"#,
            ["doubtful: x: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            ##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"v":{"type":"string"}}}}}"##,
            ##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"v":{"type":"number"}}}}}"##,
            ["definite: v: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            #"{"allOf":[\#(object(#""a":{"type":"string"}"#, required: #""a""#)),\#(object(#""b":{"type":"string"}"#, required: #""b""#))]}"#,
            object(#""a":{"type":"string"},"b":{"type":"number"}"#, required: #""a","b""#),
            ["definite: b: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (#"{"type":"array","items":{"type":"number"}}"#, pair, []),
        (#"{"type":"array"}"#, pair, []),
        (
            #"{"type":"array","items":{"type":"string"}}"#, pair,
            [
                "definite: [1]: step 'fetch' gives string, step 'risk' expects number",
                "definite: [2]: step 'fetch' gives string, step 'risk' expects number",
            ]
        ),
        (
            #"{"type":"array","items":{"type":"number"},"minItems":3}"#, pair,
            ["definite: step 'fetch' gives a list of at least 3 items, step 'risk' expects a list of 2 items"]
        ),
        (
            #"{"type":"array","prefixItems":[{"type":"number"}],"items":false,"minItems":1}"#, pair,
            ["definite: step 'fetch' gives a list of 1 items, step 'risk' expects a list of 2 items"]
        ),
        (
            #"{"type":"array","prefixItems":[{"type":"number"},{"type":"number"},{"type":"number"}],"items":false,"minItems":2}"#,
            pair,
            ["doubtful: step 'fetch' may give a list of 2 to 3 items, step 'risk' expects a list of 2 items"]
        ),
        (#"{"type":"null"}"#, #"{"type":"number","default":3,"x-aikit":{}}"#, []),
        (#"{"type":"null"}"#, #"{"type":"number","x-aikit":{"optional":true}}"#, []),
        (object(#""a":{"type":"null"}"#), object(#""a":{"type":"number","default":1}"#, required: #""a""#), []),
        (
            object(#""a":{"type":["null","string"]}"#), object(#""a":{"type":"number"}"#),
            ["definite: a: step 'fetch' gives string, step 'risk' expects number"]
        ),
        (
            #"{"type":"object","additionalProperties":{"type":"string"}}"#, object(#""a":{"type":"number"}"#),
            ["doubtful: a: step 'fetch' may give string, step 'risk' expects number"]
        ),
        (
            #"{"type":"object","additionalProperties":{"type":"string"}}"#,
            #"{"type":"object","additionalProperties":{"type":"number"}}"#,
            ["definite: [*]: step 'fetch' gives string, step 'risk' expects number"]
        ),
    ])
    func `is told before anything runs`(producer: String, consumer: String, expected: [String]) throws {
        let issues = SchemaFit.check(producer: try Schema(json: producer), consumer: try Schema(json: consumer))
        #expect(issues.map { "\($0.verdict): \($0.message(from: "step 'fetch'", to: "step 'risk'"))" } == expected)
    }
}
