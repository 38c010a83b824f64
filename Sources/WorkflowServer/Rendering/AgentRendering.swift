internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Runs of agents as AI Kit's clients expect their answers.
enum AgentRendering {
    static func summary(_ workflow: Workflow) -> Value {
        var entries: [(String, Value)] = [("id", Value(workflow.id)), ("name", Value(workflow.id))]
        if let description = workflow.description { entries.append(("description", Value(description))) }
        return Value(entries: entries)
    }

    /// `{ text, usage, finishReason, toolCalls, toolResults, steps, totalUsage, experimental_output?, runId, status }` of a run
    /// that has succeeded.
    static func answer(_ record: RunRecord) -> Value {
        let result = record.result()
        let turns = result.steps.filter { record.plan.details[Int($0.node)].role == .model && $0.status == .success }
            .compactMap(\.output).filter { $0["message"] != nil }
        let results = result.steps.filter { $0.stepID == "tools" }.flatMap { $0.output?["results"]?.array ?? [] }
            .map { message in
                [
                    "toolCallId": message["tool_call_id"] ?? "", "toolName": message["name"] ?? "",
                    "result": message["content"] ?? .null,
                ] as Value
            }
        let steps = turns.map(step)
        let output = result.result ?? .null
        var entries: [(String, Value)] = [
            ("text", Value(turns.last?["message"]?["content"]?.string ?? "")),
            ("finishReason", finishReason(turns.last)), ("usage", usage(turns.last?["usage"])),
            ("totalUsage", usage(record.log.usage.scriptValue)),
            ("toolCalls", Value(array: steps.flatMap { $0["toolCalls"]?.array ?? [] })),
            ("toolResults", Value(array: results)), ("steps", Value(array: steps)), ("runId", Value(record.id)),
            ("status", Value(result.status)),
        ]
        // Without a schema an agent gives its text and what belongs to it.
        if output["messages"] == nil || output["finish_reason"] == nil {
            entries.append(("experimental_output", output))
        }
        return Value(entries: entries)
    }

    private static func step(_ turn: Value) -> Value {
        let asked = turn["message"]?["tool_calls"]?.array ?? []
        let calls = (turn["calls"]?.array ?? []).enumerated().map { place, call in
            // What does not fit its tool is there only as the model wrote it.
            let text = asked.indices.contains(place) ? asked[place]["arguments"]?.string : nil
            let written = text.map { (try? Value(json: $0)) ?? Value($0) }
            return [
                "toolCallId": call["id"] ?? "", "toolName": call["name"] ?? "",
                "args": call["arguments"] ?? written ?? .emptyObject,
            ] as Value
        }
        return [
            "text": turn["message"]?["content"] ?? "", "finishReason": finishReason(turn),
            "usage": usage(turn["usage"]),
            "toolCalls": Value(array: calls),
        ]
    }

    /// AI Kit's words have hyphens.
    private static func finishReason(_ turn: Value?) -> Value {
        Value((turn?["finish_reason"]?.string ?? "other").replacing("_", with: "-"))
    }

    private static func usage(_ usage: Value?) -> Value {
        let (input, output) = (usage?["input_tokens"]?.int ?? 0, usage?["output_tokens"]?.int ?? 0)
        return [
            "inputTokens": Value(input), "outputTokens": Value(output), "totalTokens": Value(input &+ output),
            "cachedInputTokens": usage?["cached_input_tokens"] ?? 0,
        ]
    }
}
