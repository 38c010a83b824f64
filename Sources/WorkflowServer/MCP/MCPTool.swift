internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A workflow as a tool.
struct MCPTool {
    /// The tool that tells how a run stands which an earlier call began.
    static let runsName = "get-run"

    let workflow: Workflow
    let name: String
    /// Whether the workflow's input is the one argument `input`, as tools take objects alone.
    let isWrapped: Bool
    private let schema: Value

    private static let nameLimit = 64

    /// - Parameter taken: the names that other tools have; the tool's own is added.
    init(_ workflow: Workflow, taken: inout Set<String>) {
        self.workflow = workflow
        let plain = String(
            workflow.id.unicodeScalars.prefix(Self.nameLimit - 4).map { scalar -> Character in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || scalar == "-" || scalar == "_" ? Character(scalar) : "_"
            })
        var (name, number) = (plain, 1)
        while !taken.insert(name).inserted {
            number += 1
            name = "\(plain)-\(number)"
        }
        self.name = name
        let input = WorkflowRendering.schema(workflow.plan.nodes[0].inputSchema, workflow.plan)
        switch input {
        case nil:
            schema = ["type": "object"]
            isWrapped = false
        case let input? where input["type"]?.string == "object":
            schema = input
            isWrapped = false
        case let input?:
            schema = ["type": "object", "properties": ["input": input], "required": ["input"]]
            isWrapped = true
        }
    }

    /// How a client is told of the tool.
    var value: Value {
        var entries: [(String, Value)] = [
            ("name", Value(name)), ("title", Value(workflow.id)), ("description", Value(workflow.description ?? "")),
            ("inputSchema", schema),
        ]
        if let output = outputSchema { entries.append(("outputSchema", output)) }
        return Value(entries: entries)
    }

    /// Whether a call may end before the run does, as the run then waits for somebody.
    private var mayWait: Bool {
        workflow.plan.nodes.indices.contains { index in
            let kind = workflow.plan.nodes[index].kind
            return kind == .human || kind == .waitFor
        }
    }

    /// The schema of what every call gives that succeeds; nil where there is none.
    private var outputSchema: Value? {
        let output = WorkflowRendering.schema(workflow.plan.nodes[0].outputSchema, workflow.plan)
        guard !mayWait, let output, output["type"]?.string == "object" else { return Value?.none }
        return output
    }

    /// The input of a run for the arguments of a call.
    func input(_ arguments: Value) -> Value { isWrapped ? arguments["input"] ?? .null : arguments }

    /// The tool for runs of earlier calls.
    static let runs: Value = [
        "name": Value(runsName), "title": "State of a run",
        "description":
            "Tells how a run stands that an earlier tool call began: its status, its result or its error, and what it waits for.",
        "inputSchema": [
            "type": "object", "required": ["runId"],
            "properties": [
                "runId": ["type": "string", "description": "The id that the call gave."],
                "waitSeconds": [
                    "type": "number", "minimum": 0, "maximum": 60,
                    "description": "How long to wait for the run to end, or to wait for somebody.",
                ],
            ],
        ],
        "annotations": ["readOnlyHint": true],
    ]
}
