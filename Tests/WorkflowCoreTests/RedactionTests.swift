import FlatValue
import JSONSchema
import Testing
import WorkflowCore

@Suite("What schemas call secret")
struct RedactionTests {
    private static let secret: Value = ["type": "string", "writeOnly": true]
    private static let text = "SEKRETVALUE"
    private static let everything = try? Schema(secret)

    private func redacted(_ told: Value, knowing value: Value, by schema: Value) -> Value {
        var redaction = Redaction()
        redaction.learn(value, (try? Schema(schema)) ?? Self.everything)
        return redaction.redact(told)
    }

    @Test(
        arguments: [
            ["properties": ["pw": secret]], ["patternProperties": ["^p": secret]], ["additionalProperties": secret],
            ["unevaluatedProperties": secret], ["dependentSchemas": ["pw": ["properties": ["pw": secret]]]],
            ["$defs": ["s": ["$anchor": "here", "writeOnly": true]], "properties": ["pw": ["$ref": "#here"]]],
            [
                "$defs": ["s": ["$id": "https://example.com/s", "writeOnly": true]],
                "properties": ["pw": ["$ref": "https://example.com/s"]],
            ],
            ["$defs": ["a/b": secret], "anyOf": [["properties": ["pw": ["$ref": "#/$defs/a~1b"]]], ["type": "null"]]],
            [
                "properties": [
                    "pw": [
                        "$id": "urn:inner", "$defs": ["s": secret, "t": ["$ref": "#/$defs/s"]],
                        "anyOf": [["$ref": "#/$defs/t"]],
                    ]
                ]
            ],
            [
                "$dynamicAnchor": "node",
                "$defs": ["s": ["$id": "urn:s", "$dynamicAnchor": "node", "writeOnly": true]],
                "properties": ["pw": ["$dynamicRef": "urn:s#node"]],
            ],
        ] as [Value])
    func `is found by whichever keyword leads there`(schema: Value) {
        let told: Value = ["said": "it is SEKRETVALUE, so", "other": "plain words"]
        #expect(
            redacted(told, knowing: ["pw": Value(Self.text), "name": "plain words"], by: schema)["said"]
                == "it is [secret], so")
    }

    @Test(
        arguments: [
            ["items": secret], ["prefixItems": [secret]], ["contains": secret], ["unevaluatedItems": secret],
        ] as [Value])
    func `is found among items`(schema: Value) {
        #expect(redacted(Value(Self.text), knowing: [Value(Self.text)], by: schema) == "[secret]")
    }

    @Test(
        arguments: [
            (#"{"pin":"Gr\u00fcnewald-77"}"#, #"{"pin":"[secret]"}"#), (#"Gr\u00FCnewald\u002d77!"#, "[secret]!"),
            (#"{"a":"{\"pin\":\"Gr\\u00fcnewald-77\"}"}"#, #"{"a":"{\"pin\":\"[secret]\"}"}"#),
            (#"\u0047rünewald-77 and \/ Grünewald-77"#, #"[secret] and \/ [secret]"#),
            (#"{"pin":"Gr\u00fcnewa"#, #"{"pin":"[secret]"#),
            (#"\ud83d\ude00 \ud83d \u00 \"#, #"\ud83d\ude00 \ud83d \u00 \"#),
            (#"Gr\u00fcnewald-77\"#, #"[secret]\"#),
            (#"Grünewald-77\n\u00fcGr\u00fcnew"#, #"[secret]\n\u00fc[secret]"#),
            (#"Gr\u00fcne\"#, "[secret]"), (#"\"#, #"\"#), (#"Gr\u00fcnewald-77\q"#, #"[secret]\q"#),
            (#"Gr\\\u00fcnewald-77"#, #"Gr\\\u00fcnewald-77"#),
        ])
    func `is found however it is escaped`(told: String, shown: String) {
        #expect(redacted(Value(told), knowing: "Grünewald-77", by: Self.secret) == Value(shown))
    }

    @Test func `leaves no part where two of them overlap`() {
        let secrets: Value = ["abcdefgh", "cdefghijkl", "defg", "hi"]
        for (told, shown) in [
            ("-abcdefghijkl-", "-[secret]-"), ("abcdefgh cdefghijkl", "[secret] [secret]"),
            ("xdefgx hi, high", "xdefgx [secret], high"),
            ("abcdefgabcdefgh", "abcdefg[secret]"),
        ] {
            #expect(redacted(Value(told), knowing: secrets, by: ["items": Self.secret]) == Value(shown))
        }
    }

    @Test func `may be very many`() {
        let secrets = (0..<2000).map { "secret-\($0 * 7919)-\($0)-of-many" }
        var redaction = Redaction()
        for secret in secrets { redaction.learn(Value(secret), Self.everything) }
        for secret in secrets.prefix(40) + secrets.suffix(40) {
            let told =
                String(repeating: "secret-", count: 40) + secret + " and no secret-7919-2-of-many " + secret.dropLast(2)
            #expect(
                redaction.redact(told)
                    == String(repeating: "secret-", count: 40) + "[secret] and no secret-7919-2-of-many [secret]")
        }
    }

    @Test(
        arguments: [
            (#"{"pin":"hunter2-geh"#, ["pin": "hunter2-geh"]), (#"{"a":[1,{"pin":"x\u00f"#, ["a": [1, ["pin": "x"]]]),
            (#"{"a":1,"pi"#, ["a": 1, "pi": .null]), (#"{"a":1,"#, ["a": 1]), (#"{"a":"b\"#, ["a": "b"]),
            (#"{"a":tr"#, [:]),
            (#"{"a":"#, ["a": .null]), (#"{"a":"}\""#, ["a": "}\""]),
        ] as [(String, Value)])
    func `is looked for in JSON that was cut off`(text: String, value: Value) {
        #expect(Value(brokenJSON: text) == value)
    }

    @Test(arguments: ["}", "{]", "[1,2]]", "no"])
    func `is not looked for in what is no JSON`(text: String) {
        #expect(Value(brokenJSON: text) == Value?.none)
    }

    @Test func `may be the names of fields`() {
        #expect(
            redacted(["SEKRETVALUE": 1], knowing: ["SEKRETVALUE": 1], by: ["propertyNames": Self.secret])
                == ["[secret]": 1])
    }

    @Test func `leaves what only stands beside it`() {
        let value: Value = ["pw": Value(Self.text), "name": "plain words"]
        #expect(
            redacted(value, knowing: value, by: ["patternProperties": ["^p": Self.secret]])["name"] == "plain words")
    }

    @Test(arguments: [
        "SEKRET \"VALUE\"", #"SEKRET \"VALUE\""#, #"SEKRET \\\"VALUE\\\""#, "SEKRET%20%22VALUE%22",
        "SEKRET+%22VALUE%22",
        "SEKRET \"VALUE\"\u{301}",
    ])
    func `is taken out in each form`(form: String) {
        let told = redacted(
            Value("a \(form) b"), knowing: ["pw": "SEKRET \"VALUE\""], by: ["properties": ["pw": Self.secret]])
        #expect(told.string?.contains("SEKRET") == false && told.string?.contains("[secret") == true)
    }

    @Test(arguments: ["no route to sekretvalue.example", "https://sekretvalue/", "SEKRETVALUE.example"])
    func `is taken out of the names of hosts, which are told in lower case`(told: String) {
        let redacted = redacted(
            Value(told), knowing: ["pw": Value(Self.text)], by: ["properties": ["pw": Self.secret]])
        #expect(redacted.string?.lowercased().contains("sekret") == false)
        #expect(redacted.string?.contains("[secret]") == true)
    }

    @Test(arguments: ["it is SEKRETV", "it is SEKRETV… [cut off]", "it is SEKRETVALU"])
    func `is taken out where a text was cut in it`(told: String) {
        let redacted = redacted(
            Value(told), knowing: ["pw": Value(Self.text)], by: ["properties": ["pw": Self.secret]])
        #expect(redacted.string?.contains("SEK") == false)
    }

    @Test(arguments: [
        ("pin 4711.", "pin [secret]."), ("4711", "[secret]"), ("0471 14711 47112 é4711", "0471 14711 47112 é4711"),
    ])
    func `is taken out where it is a word, if it is short`(told: String, seen: String) {
        #expect(redacted(Value(told), knowing: ["pw": "4711"], by: ["properties": ["pw": Self.secret]]) == Value(seen))
    }

    @Test func `may be a number within a text`() {
        let schema: Value = ["properties": ["pin": ["type": "integer", "writeOnly": true]]]
        #expect(redacted("pin 48151623", knowing: ["pin": 48_151_623], by: schema) == "pin [secret]")
    }

    @Test func `is found however deep it lies`() {
        let schema: Value = ["properties": ["pw": Self.secret, "next": ["$ref": "#"]]]
        var value: Value = ["pw": Value(Self.text)]
        for level in 0..<100 { value = ["pw": Value("level \(level)"), "next": value] }
        #expect(redacted(Value(Self.text), knowing: value, by: schema) == "[secret]")
    }

    @Test func `hides nothing else in a value that is large`() {
        let schema: Value = [
            "items": ["anyOf": [["properties": ["pw": Self.secret, "n": ["type": "integer"]]], ["type": "null"]]]
        ]
        let items = (0..<5000).map { ["n": Value(Int64($0)), "name": Value("plain words \($0)")] as Value }
        let value = Value(array: items + [["pw": Value(Self.text)]])
        #expect(redacted("plain words 4999", knowing: value, by: schema) == "plain words 4999")
        #expect(redacted(Value(Self.text), knowing: value, by: schema) == "[secret]")
    }

    @Test func `hides all once there is too much of it`() {
        let tokens = (0..<10_050).map { Value("token number \($0)") }
        let redacted = redacted(
            Value(array: tokens + ["plain words"]), knowing: Value(array: tokens), by: ["items": Self.secret])
        #expect(redacted.array?.allSatisfy { $0 == "[secret]" } == true)
    }

    @Test func `ends where schemas lead to each other in very many ways`() {
        let ways = Value(array: (0..<12).map { ["$ref": Value("#/$defs/d\($0)")] })
        let schema: Value = [
            "$defs": Value(
                entries: (0..<12).map { ("d\($0)", ["properties": ["a": ["anyOf": ways], "pw": Self.secret]]) }),
            "anyOf": ways,
        ]
        var value = Value(Self.text)
        for _ in 0..<8 { value = ["a": value] }
        #expect(redacted(Value(Self.text), knowing: value, by: schema) == "[secret]")
    }
}
