import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `What validation makes of a value` {
    @Test func `a value that is valid as it stands is not copied`() throws {
        let schema = try Schema(json: #"{"properties":{"a":{"type":"string"}}}"#)
        var arena = ByteArena()
        defer { arena.deallocate() }
        arena.write(["a": "x"] as Value)
        let count = arena.count
        guard case .unchanged = schema.validate(Slice(from: 0, to: count), in: &arena) else {
            Issue.record("changed")
            return
        }
        #expect(arena.count == count)
    }

    @Test func `a rewritten value is appended to an arena that may move`() throws {
        let schema = try Schema(json: #"{"properties":{"a":{"type":"integer"}}}"#)
        var arena = ByteArena()
        defer { arena.deallocate() }
        arena.write(["a": 3.0, "text": Value(String(repeating: "x", count: 300))] as Value)
        let end = arena.count
        guard case .rewritten(let slice) = schema.validate(Slice(from: 0, to: end), in: &arena) else {
            Issue.record("unchanged")
            return
        }
        #expect(slice.offset == end)
        #expect(ValueCursor(arena[slice])["a"]?.tag == .int)
        #expect(ValueCursor(arena[slice])["text"]?.string?.count == 300)
    }

    @Test(arguments: [
        (#"{"type":"array"}"#, "[]"), (#"{"type":"object"}"#, "{}"), (#"{"type":["array","null"]}"#, "[]"),
        ("{}", "{}"),
        (#"{"items":{"type":"string"}}"#, "[]"), (#"{"anyOf":[{"type":"string"},{"type":"array"}]}"#, "[]"),
        (#"{"const":[]}"#, "[]"), (#"{"type":["array","object"],"items":true}"#, "[]"),
        (##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"array"}}}"##, "[]"),
        (#"{"allOf":[{"type":"array"},{"maxItems":2}]}"#, "[]"),
    ])
    func `an unmarked empty table becomes what the schema says`(schema: String, result: String) throws {
        #expect(try verdict(schema, emptyTable) == result)
        #expect(
            try verdict(#"{"properties":{"x":\#(schema.replacing("#/", with: "#/properties/x/"))}}"#, ["x": emptyTable])
                == #"{"x":\#(result)}"#)
    }

    @Test func `an integral double becomes an integer only where the schema says integer`() throws {
        let schema = #"{"properties":{"a":{"type":"integer"},"b":{"type":"number"},"c":{"type":["integer","null"]}}}"#
        #expect(try verdict(schema, ["a": 2.0, "b": 2.0, "c": -0.0]) == #"{"a":2,"b":2.0,"c":0}"#)
        #expect(try verdict(#"{"type":"integer"}"#, 1e300) == "1e+300", "no 64-bit integer can hold it")
    }

    @Test func `our objects strip, refuse or pass unknown keys`() throws {
        func object(_ mode: String) -> String {
            #"{"type":"object","properties":{"a":true},"x-aikit":{"unknown":"\#(mode)"}}"#
        }
        #expect(try verdict(object("strip"), #"{"a":1,"z":2}"#) == #"{"a":1}"#)
        #expect(try verdict(object("passthrough"), #"{"a":1,"z":2}"#) == #"{"a":1,"z":2}"#)
        #expect(try verdict(object("strict"), #"{"a":1,"z":2}"#) == "z: is not a known key")
    }

    @Test func `items of our tuples that are not there get their defaults`() throws {
        let tuple =
            #"{"type":"array","prefixItems":[{"type":"string"},{"type":"integer","default":3},{"default":4}],"x-aikit":{}}"#
        #expect(try verdict(tuple, #"["a"]"#) == #"["a",3,4]"#)
        #expect(try verdict(tuple, #"["a",1]"#) == #"["a",1,4]"#)
        #expect(try verdict(tuple, #"["a",1,2]"#) == #"["a",1,2]"#)
        #expect(try verdict(tuple.replacing(#","x-aikit":{}"#, with: ""), #"["a"]"#) == #"["a"]"#)
    }

    /// To `String` the two names are one.
    @Test(arguments: [0, 20]) func `names that spell a letter in different ways are different keys`(others: Int) throws
    {
        let (composed, apart) = ("caf\u{E9}", "cafe\u{301}")
        let rest = (0..<others).map { #","p\#($0)":{}"# }.joined()
        let properties = #""properties":{"\#(composed)":{"type":"integer"},"\#(apart)":{"type":"string"}\#(rest)}"#
        let whole = #""required":["\#(composed)","\#(apart)"]"#
        func isValid(_ schema: String, _ instance: String) throws -> Bool {
            try !verdict(schema, instance).contains("expected") && !verdict(schema, instance).contains("is ")
        }
        for schema in [
            "{\(properties)}", "{\(properties),\(whole)}", #"{"x-aikit":{"unknown":"strict"},\#(properties)}"#,
        ] {
            #expect(try isValid(schema, #"{"\#(composed)":1,"\#(apart)":"x"}"#))
            #expect(try !isValid(schema, #"{"\#(composed)":"x","\#(apart)":1}"#))
        }
        #expect(try verdict("{\(whole)}", #"{"\#(apart)":"x"}"#).contains("is missing"))
        let unevaluated = #"{"allOf":[{"properties":{"\#(composed)":true}}],"unevaluatedProperties":false}"#
        #expect(try verdict(unevaluated, #"{"\#(apart)":1}"#).contains("is not a known key"))
        let patterns = #"{"allOf":[{"pattern":"^\#(composed)$"},{"pattern":"^\#(apart)$"}]}"#
        #expect(try verdict(patterns, #""\#(composed)""#).contains("must"))
    }

    @Test func `an intersection strips only what no side knows`() throws {
        func part(_ key: String, _ mode: String) -> String {
            #"{"type":"object","properties":{"\#(key)":true},"x-aikit":{"unknown":"\#(mode)"}}"#
        }
        #expect(
            try verdict(#"{"allOf":[\#(part("a", "strip")),\#(part("b", "strip"))]}"#, #"{"a":1,"b":2,"z":3}"#)
                == #"{"a":1,"b":2}"#)
        let referring =
            ##"{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{"a":\##(part("a", "strict")),"b":\##(part("b", "strict"))}}"##
        #expect(try verdict(referring, #"{"a":1,"b":2}"#) == #"{"a":1,"b":2}"#)
        #expect(try verdict(referring, #"{"a":1,"zzz":2}"#).contains("zzz: is not a known key"))
    }

    @Test func `defaults fill absent keys of our objects, and their own defaults with them`() throws {
        let schema = #"""
            {"type":"object","x-aikit":{"unknown":"strip"},"required":["a"],"properties":{"a":{"type":"string","default":"x"},
            "b":{"type":"object","default":{},"x-aikit":{"unknown":"strip"},"properties":{"c":{"type":"integer","default":7}}}}}
            """#
        #expect(try verdict(schema, "{}") == #"{"a":"x","b":{"c":7}}"#)
        #expect(try verdict(schema, emptyTable) == #"{"a":"x","b":{"c":7}}"#)
        #expect(try verdict(schema, #"{"a":"y","b":{"c":1}}"#) == #"{"a":"y","b":{"c":1}}"#)
        #expect(
            try verdict(#"{"properties":{"a":{"default":1}}}"#, "{}") == "{}", "a raw schema only notes its default")
    }

    @Test func `in our objects null stands for an absent key`() throws {
        let schema = #"""
            {"type":"object","x-aikit":{"unknown":"strip"},"required":["n"],"properties":{"a":{"type":"string","x-aikit":{"optional":true}},
            "n":{"type":["string","null"]},"d":{"type":"integer","default":1}}}
            """#
        #expect(try verdict(schema, #"{"a":null,"n":null,"d":null}"#) == #"{"d":1,"n":null}"#)
        #expect(try verdict(schema, "{}") == #"{"d":1}"#, "a nullable key may be left out, as Lua has no null field")
    }

    @Test(arguments: [
        (#"{"type":"number","x-aikit":{"coerce":true}}"#, #"" 4.5 ""#, "4.5"),
        (#"{"type":"integer","x-aikit":{"coerce":true}}"#, #""42""#, "42"),
        (#"{"type":"integer","x-aikit":{"coerce":true}}"#, #""4.0""#, "4"),
        (#"{"type":"integer","minimum":50,"x-aikit":{"coerce":true}}"#, #""42""#, "must be at least 50 (got 42)"),
        (#"{"type":"number","x-aikit":{"coerce":true}}"#, #""0x10""#, #"expected number, got string "0x10""#),
        (#"{"type":"number","x-aikit":{"coerce":true}}"#, #""1e400""#, #"expected number, got string "1e400""#),
        (#"{"type":"boolean","x-aikit":{"coerce":true}}"#, #""Yes""#, "true"),
        (#"{"type":"boolean","x-aikit":{"coerce":true}}"#, "0", "false"),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "3.0", #""3""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "-0.0", #""0""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "1e14", #""100000000000000""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "1e15", #""1000000000000000""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "9007199254740992.0", #""9007199254740992""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "-4611686018427387904.0", #""-4611686018427387904""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "123456789012345678", #""123456789012345678""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "1e20", #""1e+20""#),
        (#"{"type":"string","x-aikit":{"coerce":true}}"#, "0.5", #""0.5""#),
        (#"{"type":"string","x-aikit":{"trim":true,"lower":true},"minLength":2}"#, #""  AB ""#, #""ab""#),
        (#"{"type":"string","x-aikit":{"upper":true}}"#, #""ß""#, #""SS""#),
        (
            #"{"type":"string","x-aikit":{"trim":true},"minLength":2}"#, #""  A ""#,
            "must have at least 2 characters (has 1)"
        ),
    ])
    func `our schemas convert before they check`(schema: String, instance: String, result: String) throws {
        #expect(try verdict(schema, instance) == result)
    }

    /// Functions as a script would give them: slot 1 refuses odd numbers, slot 2 doubles.
    struct Functions: SchemaFunctions {
        func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement {
            guard let number = value.int, number % 2 != 0 else { return .passes }
            return .fails(message: slot == 1 ? nil : "from the function")
        }

        func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation {
            guard let number = value.int else { return .fails(message: "no number") }
            arena.write(number * 2)
            return .done
        }
    }

    @Test func `functions of the script refine and transform`() throws {
        let schema = #"""
            {"items":{"type":"integer","minimum":0,"x-aikit":{"functions":[{"refine":1,"message":"must be even"},{"transform":2}]}}}
            """#
        #expect(try verdict(schema, [2, 4], functions: Functions()) == "[4,8]")
        #expect(try verdict(schema, [2, 3], functions: Functions()) == "[2]: must be even")
        #expect(
            try verdict(schema, [-1], functions: Functions()) == "[1]: must be at least 0 (got -1)",
            "a wrong value is not shown to functions")
        #expect(try verdict(schema, [3]) == "[3]", "without functions they are passed over")
        #expect(
            try verdict(#"{"x-aikit":{"functions":[{"refine":5}]}}"#, 3, functions: Functions()) == "from the function")
        #expect(
            try verdict(#"{"x-aikit":{"functions":[{"transform":2}]}}"#, "x", functions: Functions()) == "no number")
    }

    @Test func `functions of the script see what those before them made`() throws {
        let late = #"{"x-aikit":{"functions":[{"transform":2},{"refine":1,"message":"odd"},{"transform":2}]}}"#
        #expect(try verdict(late, 3, functions: Functions()) == "12", "3 is odd, but 6 is not")
        let early =
            #"{"x-aikit":{"functions":[{"refine":1,"message":"odd"},{"refine":5},{"transform":2},{"refine":1}]}}"#
        #expect(
            try verdict(early, 3, functions: Functions()) == "odd\nfrom the function",
            "refused values are not transformed")
    }

    @Test(arguments: ["[-1]", "[0]", "[4294967296]", "[{}]", #"[{"refine":"1"}]"#, #"[{"transform":-1}]"#, "[1]"])
    func `what is no number of a function is refused`(functions: String) {
        #expect(throws: SchemaError.self) { try Schema(json: #"{"allOf":[{"x-aikit":{"functions":\#(functions)}}]}"#) }
    }

    @Test func `in our schemas null stands for an absent value`() throws {
        #expect(try verdict(#"{"type":"string","default":"x","x-aikit":{}}"#, .null) == #""x""#)
        #expect(try verdict(#"{"type":"string","x-aikit":{"optional":true}}"#, .null) == "null")
        #expect(try verdict(#"{"type":["string","null"],"default":"x","x-aikit":{}}"#, .null) == #""x""#)
        #expect(
            try verdict(#"{"type":"object","default":{},"x-aikit":{},"properties":{"a":{"default":1}}}"#, .null)
                == #"{"a":1}"#)
        #expect(try verdict(#"{"type":"string","default":"x"}"#, .null) == "expected string, got null")
    }
}
