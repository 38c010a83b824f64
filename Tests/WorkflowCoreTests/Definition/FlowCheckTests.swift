import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Checking the flow of values` {
    private let text: Value = ["type": "string"]
    private let number: Value = ["type": "number"]

    private func object(_ fields: (String, Value)...) -> Value {
        [
            "type": "object", "properties": Value(entries: fields),
            "required": Value(array: fields.map { Value($0.0) }),
            "x-aikit": ["unknown": "strip"],
        ]
    }

    private func issues(
        _ nodes: [NodeDefinition], input: Value? = nil, output: Value? = nil, finalize: UInt32? = nil
    ) throws -> [DefinitionIssue] {
        let definition = WorkflowDefinition(
            id: "w", inputSchema: input, outputSchema: output, finalize: finalize, nodes: nodes)
        return FlowCheck.report(on: try DefinitionReader.plan(from: definition.value)).issues
    }

    private func gives(_ id: String, _ schema: Value) -> NodeDefinition { .step(id, handler: 1, outputSchema: schema) }
    private func takes(_ id: String, _ schema: Value) -> NodeDefinition { .step(id, handler: 1, inputSchema: schema) }

    @Test func `what fits is passed over in silence`() throws {
        let found = try issues(
            [gives("a", object(("n", number))), takes("b", object(("n", number))), takes("c", text)],
            input: object(("n", number)))
        #expect(found.isEmpty)
    }

    @Test func `a step that gives what the next one refuses is an error with both places`() throws {
        let found = try issues([gives("fetch", object(("wind", text))), takes("risk", object(("wind", number)))])
        #expect(found.count == 1)
        let issue = try #require(found.first)
        #expect(issue.severity == .error && issue.code == "schema_mismatch")
        #expect(issue.message == "wind: step 'fetch' gives string, step 'risk' expects number")
        #expect(issue.path == "risk: wind")
        #expect(issue.location != nil && issue.related != nil || issue.location == issue.related)
    }

    @Test func `the workflow's own schemas count`() throws {
        #expect(try issues([takes("a", text)], input: number).map(\.severity) == [.error])
        #expect(try issues([gives("a", text)], output: number).map(\.severity) == [.error])
        #expect(try issues([gives("a", text)], output: number, finalize: 2).isEmpty)
    }

    @Test func `each case of a branch is checked where it joins`() throws {
        let found = try issues([
            .branch(
                "b", resolve: 1, cases: ["x": [gives("s", text)], "y": [gives("t", number)]],
                otherwise: [gives("u", number)]),
            takes("join", number),
        ])
        #expect(found.map(\.message) == ["step 's' gives string, step 'join' expects number"])
        #expect(found.map(\.severity) == [.error])
    }

    @Test func `a branch that may go on by itself is only doubted`() throws {
        let found = try issues(
            [.branch("b", resolve: 1, cases: ["x": [gives("s", number)]]), takes("join", number)], input: text)
        #expect(found.map(\.severity) == [.warning])
    }

    @Test func `a loop feeds itself`() throws {
        let loop = NodeDefinition.loop(
            "l", condition: 1, maxIterations: 5, body: [.step("s", handler: 1, inputSchema: number, outputSchema: text)]
        )
        #expect(
            try issues([loop], input: number).map(\.message) == [
                "step 's' in the iteration before gives string, step 's' expects number"
            ])
        let prepared = NodeDefinition.loop(
            "l", condition: 1, maxIterations: 5, prepareNextInput: 2,
            body: [.step("s", handler: 1, inputSchema: number, outputSchema: text)])
        #expect(try issues([prepared], input: number).isEmpty)
    }

    @Test func `the default outputs of constructs are known`() throws {
        let each = NodeDefinition.foreach("each", items: 1, body: [gives("s", text)])
        #expect(try issues([each, takes("t", ["type": "array", "items": text])]).isEmpty)
        #expect(try issues([each, takes("t", ["type": "array", "items": number])]).map(\.severity) == [.error])
        #expect(try issues([each, takes("t", object(("n", number)))]).map(\.severity) == [.error])
        let both = NodeDefinition.parallel("both", branches: ["l": [gives("s", text)], "r": [.step("u", handler: 1)]])
        #expect(try issues([both, takes("t", object(("l", text), ("r", number)))]).isEmpty)
        #expect(try issues([both, takes("t", object(("l", number)))]).map(\.severity) == [.error])
        #expect(try issues([both, takes("t", object(("m", number)))]).map(\.severity) == [.error])
        let loop = NodeDefinition.loop("loop", condition: 1, maxIterations: 3, body: [gives("s", text)])
        #expect(try issues([loop, takes("t", object(("last_result", text)))]).isEmpty)
        #expect(try issues([loop, takes("t", object(("lastResult", text)))]).map(\.severity) == [.error])
    }

    @Test func `a callback that shapes the output makes it unknown`() throws {
        let each = NodeDefinition.foreach("each", items: 1, collect: 2, body: [gives("s", text)])
        #expect(try issues([each, takes("t", number)]).isEmpty)
    }

    @Test func `a person's answer has the schema of its response`() throws {
        let found = try issues([
            .human("ask", responseSchema: object(("ok", ["type": "boolean"]))), takes("t", object(("ok", text))),
        ])
        #expect(found.map(\.message) == ["ok: human 'ask' gives boolean, step 't' expects string"])
        let wrong = try issues([.human("ask", responseSchema: number, timeout: .seconds(1), fallback: "no")])
        #expect(wrong.map(\.code) == ["invalid_default"])
    }

    @Test func `a nested workflow is checked within and without`() throws {
        let inner = WorkflowDefinition(
            id: "inner", inputSchema: number, outputSchema: text, nodes: [takes("s", text), gives("t", number)])
        let found = try issues([gives("a", text), .workflow(inner), takes("b", number)])
        #expect(
            found.map(\.message) == [
                "step 'a' gives string, workflow 'inner' expects number",
                "the input of workflow 'inner' gives number, step 's' expects string",
                "step 't' gives number, the output of workflow 'inner' expects string",
                "workflow 'inner' gives string, step 'b' expects number",
            ])
    }

    @Test func `a delay hands on what it got`() throws {
        #expect(
            try issues([gives("a", text), .delay("d", .fixed(.seconds(1))), takes("b", number)]).map(\.severity) == [
                .error
            ])
    }

    @Test func `a step over which all others jump is never reached`() throws {
        let found = try issues([
            .step("a", handler: 1, next: .to("c")), .step("b", handler: 1), .step("c", handler: 1),
        ])
        #expect(found.map(\.code) == ["unreachable"] && found.map(\.severity) == [.warning])
        #expect(try issues([.step("a", handler: 1, next: .chosen(by: 2)), .step("b", handler: 1)]).isEmpty)
    }

    @Test func `a loop without a bound is a warning`() throws {
        let found = try issues([.loop("l", condition: 1, body: [.step("s", handler: 1)])])
        #expect(found.map(\.code) == ["unbounded_loop"] && found.map(\.severity) == [.warning])
    }

    @Test func `schemas that refer to themselves are followed`() throws {
        let tree: Value = [
            "$ref": "#/$defs/tree",
            "$defs": [
                "tree": object(("name", text), ("children", ["type": "array", "items": ["$ref": "#/$defs/tree"]]))
            ],
        ]
        let each = NodeDefinition.foreach("each", items: 1, body: [gives("s", tree)])
        let branches: Value = ["type": "array", "items": object(("children", ["type": "array"]))]
        #expect(try issues([each, takes("t", ["type": "array", "items": object(("name", text))])]).isEmpty)
        #expect(try issues([each, takes("t", ["type": "array", "items": object(("children", branches))])]).isEmpty)
        let wrong: Value = [
            "type": "array", "items": object(("children", ["type": "array", "items": object(("name", number))])),
        ]
        #expect(try issues([each, takes("t", wrong)]).map(\.severity) == [.error])
    }
}
