import FlatValue
import Testing

@testable import WorkflowCore

/// Reads the definition of a workflow whose nodes, and more keys, are JSON text.
private func plan(_ nodes: String, _ more: String = "") throws -> Plan {
    try DefinitionReader.plan(
        from: Value(json: #"{"kind":"workflow","id":"w","where":"w.lua:1","nodes":\#(nodes)\#(more)}"#))
}

private func issues(_ nodes: String, _ more: String = "") -> [DefinitionIssue] {
    do {
        _ = try plan(nodes, more)
        return []
    } catch {
        return (error as? DefinitionError)?.issues ?? [DefinitionIssue(message: "\(error)", path: "", code: "other")]
    }
}

@Suite struct `Reading definitions` {
    @Test func `nodes of one body grow in order, and bodies lie together`() throws {
        let plan = try plan(
            #"""
            [{"kind":"step","id":"a","handler":1,"where":"w.lua:3"},
             {"kind":"branch","id":"b","resolve":2,
              "cases":[{"name":"y","body":[{"kind":"step","id":"c","handler":3},{"kind":"step","id":"d","handler":3}]},
                       {"name":"x","body":[{"kind":"step","id":"c","handler":3}]}],
              "otherwise":[{"kind":"step","id":"e","handler":3}]},
             {"kind":"foreach","id":"f","items":4,"concurrency":2,"collect":5,
              "step":[{"kind":"loop","id":"g","condition":6,"max_iterations":7,"step":[{"kind":"step","id":"h","handler":8}]}]},
             {"kind":"step","id":"i","handler":9}]
            """#)
        #expect(plan.details.map(\.id) == ["w", "a", "b", "c", "c", "d", "e", "f", "g", "h", "i"])
        for body in plan.bodies {
            #expect(body.members == body.members.sorted())
            #expect(body.first == body.members.first)
        }
        #expect(plan.bodies.map(\.name) == ["1", "x", "y", "otherwise", "step", "step"])
        #expect(plan.nodes.elements.map(\.next) == [-1, 2, 7, -1, 5, -1, -1, 10, -1, -1, -1])
        let branch = plan.nodes[2]
        #expect(branch.hasOtherwise && !branch.isList && branch.bodyCount == 3)
        let inBodies = [false, false, false, false, false, false, false, false, true, true, false]
        #expect(plan.nodes.elements.map(\.repeats) == inBodies)
        #expect(plan.nodes.elements.map(\.concurrent) == inBodies)
        #expect(plan.nodes[8].limit == 7 && plan.nodes[7].limit == 2)
        #expect(plan.details[1].location == "w.lua:3")
        #expect(plan.details[4].location == "w.lua:1")
    }

    @Test func `every field has its place`() throws {
        let plan = try plan(
            #"""
            [{"kind":"step","id":"s","handler":1,"next":2,"timeout":"10s","description":"does it",
              "retry":{"max_attempts":5,"backoff":"linear","initial":"1s","max":30,"factor":3,"jitter":0.5}},
             {"kind":"human","id":"h","output":3,"input":4,"timeout":"2h","default":{"ok":true}},
             {"kind":"delay","id":"d","duration":1.5},{"kind":"delay","id":"e","duration":{"$function":5}},
             {"kind":"wait_for","id":"x","event":"paid","timeout":"30d"},
             {"kind":"parallel","id":"p","list":true,"on_error":"wait-all","aggregate":6,
              "branches":[{"name":1,"body":[{"kind":"step","id":"q","handler":7}]}]},
             {"kind":"loop","id":"l","condition":8,"prepare_next_input":9,"collect":10,"step":{"kind":"step","id":"m","handler":7}}]
            """#, #","finalize":11,"metadata":{"team":"ops"},"ctx":{"n":1},"telemetry":true,"description":"all""#)
        #expect(plan.nodes[0].conclude == 11 && plan.metadata == ["team": "ops"] && plan.ctx == ["n": 1])
        #expect(plan.details[0].telemetry == true && plan.details[0].description == "all")
        let step = plan.nodes[1]
        #expect(step.callback == 1 && step.extra == 2 && step.duration == 10_000_000 && step.hasRetry)
        let retry = RetryPolicy(
            maxAttempts: 5, backoff: .linear, initial: 1_000_000, maximum: 30_000_000, factor: 3, jitter: 0.5)
        #expect(plan.details[1].retry == retry)
        #expect(plan.nodes[2].conclude == 3 && plan.nodes[2].callback == 4 && plan.nodes[2].duration == 7_200_000_000)
        #expect(plan.details[2].fallback == ["ok": true])
        #expect(plan.nodes[3].duration == 1_500_000 && plan.nodes[4].callback == 5)
        #expect(plan.details[5].event == "paid" && plan.nodes[5].duration == 2_592_000_000_000)
        let parallel = plan.nodes[6]
        #expect(parallel.waitsForAll && parallel.isList && parallel.conclude == 6 && plan.nodes[7].concurrent)
        let loop = plan.nodes[8]
        #expect(loop.callback == 8 && loop.extra == 9 && loop.conclude == 10)
    }

    @Test(
        arguments: [
            (#"{"metadata":"x"}"#, "metadata", #"a table with string keys, got the string "x""#),
            (#"{"metadata":5}"#, "metadata", "a table with string keys, got the number 5"),
            (#"{"metadata":true}"#, "metadata", "a table with string keys, got true"),
            (#"{"metadata":[1]}"#, "metadata", "a table with string keys, got a list of 1 item"),
            (#"{"metadata":{"k":{"$value":"secret"}}}"#, "metadata.k", "data, got a secret"),
            (#"{"tags":"x"}"#, "tags", #"a list of strings, got the string "x""#),
            (#"{"tags":["a",1]}"#, "tags[2]", "a string, got the number 1"),
            (#"{"user_id":5}"#, "user_id", "a string, got the number 5"),
            (#"{"trace_name":""}"#, "trace_name", #"a string that is not empty, got the string """#),
            (#"{"record_inputs":"no"}"#, "record_inputs", #"a boolean, got the string "no""#),
        ])
    func `what telemetry takes is said of each field that has something else`(
        _ telemetry: String, _ field: String, _ words: String
    ) throws {
        let fault = "has a wrong `telemetry.\(field)`: expected \(words)"
        let messages = issues("[]", #","telemetry":\#(telemetry)"#).map(\.message)
        #expect(messages.contains { $0.contains(fault) }, "\(messages)")
        let given = try Value(json: telemetry)
        if field.contains(".") { return }
        guard case .failure(let refusal) = TelemetryFields.read(ofRun: given) else {
            Issue.record("a run takes \(telemetry)")
            return
        }
        let runWords = words.replacing("a table with string keys", with: "an object")
        // JSON counts from 0.
        let runField = field.replacing("[2]", with: "[1]")
        #expect(refusal.message == "has a wrong `\(runField)`: expected \(runWords)")
    }

    @Test(
        arguments: [
            (["userId": 5], "has a wrong `userId`: expected a string, got the number 5"),
            (["user_id": 5], "has a wrong `user_id`: expected a string, got the number 5"),
            (["traceName": ""], "has a wrong `traceName`: expected a string that is not empty, got the string \"\""),
            (["usrId": "a"], "has an unknown key 'usrId'; did you mean 'userId'?"),
            (["usr_id": "a"], "has an unknown key 'usr_id'; did you mean 'user_id'?"),
        ] as [(Value, String)])
    func `what is wrong with a run's telemetry is told by the names that it was given`(
        _ telemetry: Value, _ message: String
    ) {
        guard case .failure(let refusal) = TelemetryFields.read(ofRun: telemetry) else {
            Issue.record("a run takes \(telemetry)")
            return
        }
        #expect(refusal.message == message)
    }

    @Test
    func `what an agent says of its spans goes down to all that lies in it, and what lies there may say otherwise`()
        throws
    {
        func step(_ id: String, _ more: String = "") -> String { #"{"kind":"step","id":"\#(id)","handler":1\#(more)}"# }
        let own = #","telemetry":{"record_inputs":true}"#
        let body = [
            step("turn"),
            #"{"kind":"loop","id":"again","condition":1,"step":[\#(step("looped"))]}"#,
            #"{"kind":"foreach","id":"each","items":1,"step":[\#(step("item")),\#(step("own", own))]}"#,
            #"{"kind":"parallel","id":"both","branches":[{"name":"x","body":[\#(step("branched"))]}]}"#,
        ].joined(separator: ",")
        let agent =
            #"{"kind":"loop","id":"help","role":"agent","condition":1,"telemetry":{"record_inputs":false},"step":[\#(body)]}"#
        let plan = try plan("[\(agent),\(step("after"))]")
        var said: [String: Value?] = [:]
        for details in plan.details { said[details.id] = .some(details.telemetry) }
        for id in ["help", "turn", "again", "looped", "each", "item", "both", "branched"] {
            #expect(said[id] == ["record_inputs": false], "\(id)")
        }
        #expect(said["own"] == ["record_inputs": true])
        #expect(said["after"] == .some(nil))
    }

    @Test func `an agent is an agent in what is said of it, and not the loop that it is made of`() {
        let agent = #"{"kind":"loop","id":"help","role":"agent","condition":1,"telemetry":{"user_id":1},"step":[]}"#
        let messages = issues("[\(agent)]").map(\.message)
        #expect(
            messages.contains { $0.hasPrefix("agent 'help' has an unknown key 'telemetry.user_id'") }, "\(messages)")
    }

    @Test func `a field of a run's telemetry is given once`() throws {
        let given: Value = ["record_inputs": true, "recordInputs": false]
        guard case .failure(let refusal) = TelemetryFields.read(ofRun: given) else {
            Issue.record("both are taken")
            return
        }
        #expect(refusal.message == "has both `record_inputs` and `recordInputs`, which are the same")
    }

    @Test func `a nested workflow brings its metadata and ctx under the outer ones`() throws {
        let plan = try plan(
            #"""
            [{"kind":"workflow","id":"inner","where":"w.lua:9","workflow":{"kind":"workflow","id":"own","finalize":3,
              "metadata":{"a":"inner","b":"inner"},"ctx":{"c":1},"nodes":[{"kind":"step","id":"s","handler":1}]}}]
            """#, #","metadata":{"a":"outer"}"#)
        #expect(plan.metadata == ["a": "outer", "b": "inner"])
        #expect(plan.ctx == ["c": 1])
        #expect(plan.nodes[1].kind == .workflow && plan.nodes[1].conclude == 3 && plan.details[1].id == "inner")
    }

    @Test func `a static next leads to its target, and only a way back makes steps repeat`() throws {
        let forward = try plan(
            #"""
            [{"kind":"step","id":"a","handler":1,"next":"c"},{"kind":"step","id":"b","handler":1},
             {"kind":"step","id":"c","handler":1}]
            """#)
        #expect(forward.nodes[1].next == 3)
        #expect(!forward.nodes[1].repeats)
        let back = try plan(
            #"""
            [{"kind":"step","id":"a","handler":1,"next":"c"},{"kind":"step","id":"b","handler":1,"next":"d"},
             {"kind":"step","id":"c","handler":1,"next":"b"},{"kind":"step","id":"d","handler":1}]
            """#)
        #expect(back.nodes.elements.dropFirst().allSatisfy { $0.repeats })
    }

    @Test func `all mistakes are said at once, each with its place`() {
        let found = issues(
            #"""
            [{"kind":"step","id":"a","where":"w.lua:3","handler":"x","timeuot":1},
             {"kind":"loop","id":"l","where":"w.lua:7","condition":1,
              "step":[{"kind":"step","id":"b","where":"w.lua:8","next":"nowhere","handler":1}]}]
            """#, #","metdata":{},"ctx":{"f":{"$function":3}}"#)
        #expect(found.map(\.code) == ["unknown_key", "invalid_type", "unknown_key", "invalid_type", "unknown_target"])
        #expect(found.map(\.location) == ["w.lua:1", "w.lua:1", "w.lua:3", "w.lua:3", "w.lua:8"])
        #expect(found.map(\.path) == ["metdata", "ctx.f", "a.timeuot", "a.handler", "l/b.next"])
        #expect(
            found.first?.description
                == "w.lua:1: error: workflow 'w' has an unknown key 'metdata'; did you mean 'metadata'?")
    }

    @Test func `the same id may stand in different bodies`() throws {
        let plan = try plan(
            #"""
            [{"kind":"branch","id":"b","resolve":1,"cases":[{"name":"x","body":[{"kind":"step","id":"s","handler":1}]},
              {"name":"y","body":[{"kind":"step","id":"s","handler":1}]}]},{"kind":"step","id":"s","handler":1}]
            """#)
        #expect(plan.nodes.count == 5)
    }

    @Test func `what is no workflow at all is refused`() {
        #expect(throws: DefinitionError.self) { try DefinitionReader.plan(from: 5) }
        #expect(throws: DefinitionError.self) { try DefinitionReader.plan(from: [:]) }
    }

    @Test(arguments: [".", ".."]) func `an id that no address can hold is refused`(id: String) throws {
        let text = #"{"kind":"workflow","id":"\#(id)","nodes":[{"kind":"step","id":"s","handler":1}]}"#
        #expect {
            _ = try CheckedPlan(Value(json: text))
        } throws: { error in
            (error as? DefinitionError)?.issues.map(\.code) == ["invalid_id"]
        }
        #expect(try CheckedPlan(Value(json: text.replacing("\"\(id)\"", with: "\"...\""))).plan.id == "...")
    }

    @Test func `a workflow nested too deep is refused`() {
        var node = NodeDefinition.step("s", handler: 1)
        for level in 0..<70 { node = .loop("l\(level)", condition: 1, body: [node]) }
        let definition = WorkflowDefinition(id: "deep", nodes: [node])
        let error = #expect(throws: DefinitionError.self) { try DefinitionReader.plan(from: definition.value) }
        #expect(error?.issues.map(\.code) == ["too_deep"])
    }

    @Test func `a schema that is used twice is compiled once`() throws {
        let schema = #"{"type":"object","properties":{"n":{"type":"integer"}}}"#
        let plan = try plan(
            #"""
            [{"kind":"step","id":"a","handler":1,"input_schema":\#(schema),"output_schema":\#(schema)},
             {"kind":"step","id":"b","handler":1,"input_schema":{"type":"string"}}]
            """#)
        #expect(plan.schemas.count == 2)
        #expect(plan.nodes[1].inputSchema == 0 && plan.nodes[1].outputSchema == 0 && plan.nodes[2].inputSchema == 1)
    }

    @Test func `a workflow written in Swift says where it is written`() {
        let definition = WorkflowDefinition(id: "w", nodes: [.step("a", handler: 0)])
        let error = #expect(throws: DefinitionError.self) { try DefinitionReader.plan(from: definition.value) }
        #expect(error?.issues.first?.location?.contains("DefinitionReaderTests.swift:") == true)
    }
}

@Suite struct `Mistakes in definitions` {
    /// What a list of nodes is refused for: the code, and a part of the message.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var nodes: String
        var code: String
        var text: String

        init(_ nodes: String, _ code: String, _ text: String) {
            self.nodes = nodes
            self.code = code
            self.text = text
        }

        /// In a step that is right otherwise.
        static func step(_ keys: String, _ code: String, _ text: String) -> Mistake {
            Mistake(#"[{"kind":"step","id":"a","handler":1,\#(keys)}]"#, code, text)
        }

        var testDescription: String { nodes }
    }

    private static let body = #"[{"kind":"step","id":"s","handler":1}]"#

    @Test(arguments: [
        Mistake(#"[]"#, "no_steps", "workflow 'w' has no steps"),
        Mistake(#"5"#, "invalid_type", "expected a list of steps, got the number 5"),
        Mistake(#"["x"]"#, "invalid_type", #"got the string "x""#),
        Mistake(#"[{"kind":"stop","id":"a"}]"#, "unknown_kind", "unknown kind"),
        Mistake(#"[{"kind":"step","handler":1}]"#, "missing_id", "step 1 of workflow 'w' has no id"),
        Mistake(#"[{"kind":"step","id":"","handler":1}]"#, "invalid_id", "empty id"),
        Mistake(#"[{"kind":"step","id":7,"handler":1}]"#, "invalid_type", "`id`: expected a string, got the number 7"),
        Mistake(#"[{"kind":"step","id":"a/b","handler":1}]"#, "invalid_id", "has '/' in its id"),
        Mistake(#"[{"kind":"step","id":"a[1]","handler":1}]"#, "invalid_id", "has '[' in its id"),
        Mistake(#"[{"kind":"step","id":"a"}]"#, "missing_callback", "step 'a' has no `handler`"),
        Mistake(
            #"[{"kind":"step","id":"a","handler":"go"}]"#, "invalid_type", #"expected a function, got the string "go""#),
        .step(#""hanlder":{"$function":2}"#, "unknown_key", "'hanlder'; did you mean 'handler'?"),
        .step(#""zzz":1"#, "unknown_key", "known are id, description, input_schema"),
        .step(#""[1]":1"#, "unknown_key", "has a value under [1]"),
        .step(#""timeout":"soon""#, "invalid_type", "expected a duration such as"),
        .step(#""timeout":-1"#, "invalid_type", "got the number -1"),
        .step(#""description":{"$function":1}"#, "invalid_type", "got a function"),
        .step(#""retry":3"#, "invalid_type", "max_attempts = 3"),
        .step(#""retry":{"max_attempts":0}"#, "invalid_type", "`retry.max_attempts`: expected a whole number"),
        .step(#""retry":{"attempts":2}"#, "unknown_key", "'retry.attempts'; did you mean 'max_attempts'?"),
        .step(#""retry":{"max_retries":2}"#, "unknown_key", "'retry.max_retries'; did you mean 'max_attempts'?"),
        .step(#""retry":{"initialDelay":2}"#, "unknown_key", "'retry.initialDelay'; did you mean 'initial'?"),
        .step(#""retry":{"multiplier":2}"#, "unknown_key", "'retry.multiplier'; did you mean 'factor'?"),
        .step(#""retry":{"nonsense":2}"#, "unknown_key", "'retry.nonsense'; known are max_attempts"),
        .step(#""retry":{"backoff":"exponental"}"#, "invalid_value", "did you mean 'exponential'?"),
        .step(#""retry":{"jitter":2}"#, "invalid_type", "a number from 0 to 1"),
        .step(#""next":"bb"},{"kind":"step","id":"b","handler":1"#, "unknown_target", "did you mean 'b'?"),
        .step(#""next":true"#, "invalid_type", "the id of a step or a function"),
        .step(#""description":""},{"kind":"step","id":"a","handler":1"#, "duplicate_id", "unique within one sequence"),
        .step(#""next":"a""#, "cycle", "a → a"),
        .step(#""description":""},{"kind":"step","id":"b","handler":1,"next":"a""#, "cycle", "a → b → a"),
        Mistake(#"[{"kind":"branch","id":"b","resolve":1,"cases":{"x":1}}]"#, "invalid_type", "a table of bodies"),
        Mistake(#"[{"kind":"branch","id":"b","resolve":1,"cases":[]}]"#, "empty_cases", "has no cases"),
        Mistake(#"[{"kind":"branch","id":"b","resolve":1}]"#, "empty_cases", "give it some"),
        Mistake(
            #"[{"kind":"branch","id":"b","resolve":1,"cases":[{"name":"x","body":[]}]}]"#, "empty_body",
            "no steps in `cases.x`"),
        Mistake(
            #"[{"kind":"branch","id":"b","resolve":1,"cases":[{"name":"x","body":"no"}]}]"#, "invalid_type",
            "a step or a list of steps"),
        Mistake(#"[{"kind":"loop","id":"l","condition":1}]"#, "empty_body", "has no `step`"),
        Mistake(
            #"[{"kind":"loop","id":"l","condition":1,"max_iterations":0,"step":\#(body)}]"#, "invalid_type",
            "`max_iterations`"),
        Mistake(
            #"[{"kind":"foreach","id":"f","items":1,"concurrency":0.5,"step":\#(body)}]"#, "invalid_type",
            "`concurrency`"),
        Mistake(#"[{"kind":"foreach","id":"f","step":\#(body)}]"#, "missing_callback", "has no `items`"),
        Mistake(#"[{"kind":"parallel","id":"p","branches":{"$node":"e"}}]"#, "invalid_type", "got the node 'e'"),
        Mistake(
            #"[{"kind":"parallel","id":"p","on_error":"ignore","branches":[{"name":"x","body":\#(body)}]}]"#,
            "invalid_value",
            #""fail-fast" or "wait-all""#),
        Mistake(
            #"[{"kind":"parallel","id":"p","branches":[{"name":"x/y","body":\#(body)}]}]"#, "invalid_name", "'x/y'"),
        Mistake(#"[{"kind":"delay","id":"d"}]"#, "missing_duration", "has no `duration`"),
        Mistake(#"[{"kind":"wait_for","id":"x"}]"#, "missing_event", "has no `event`"),
        Mistake(#"[{"kind":"wait_for","id":"x","event":5}]"#, "invalid_type", "the name of an event"),
        Mistake(#"[{"kind":"human","id":"h","default":1}]"#, "missing_timeout", "no `timeout`"),
    ])
    func `are said`(mistake: Mistake) {
        let found = issues(mistake.nodes)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.code == mistake.code)
        #expect(found.first?.message.contains(mistake.text) == true, "\(found)")
        #expect(found.first?.severity == .error)
    }
}
