package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// Answers of models that a test gives, as the gateway would give those of a provider.
package enum ScriptedModel {
    /// What a test sees of a call: `{ model, provider, operation, messages, tools, … }`.
    package static func request(_ payload: Value) -> Value {
        let hidden: Set = ["model", "secrets"]
        let rest = (payload["model"]?.entries ?? []).filter { $0.key != "api_key" && $0.key != "headers" }
        let entries = (payload.entries ?? []).filter { !hidden.contains($0.key) }.map { ($0.key, $0.value) }
        return Value(
            entries: [
                ("model", payload["model"]?["name"] ?? ""), ("provider", payload["model"]?["provider"] ?? ""),
                ("settings", Value(entries: rest.map { ($0.key, $0.value) })),
            ] + entries)
    }

    /// Answers a call with `{ text?, reasoning?, tool_calls?, finish_reason?, usage?, error?, deltas?, vectors? }`.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - stream: gets the pieces of an answer that is streamed.
    package static func answer(
        _ payload: Value, with scripted: Value, at now: Int64, stream: ((Value) -> Void)?
    ) -> HostAnswer {
        do throws(HostFailure) {
            let call = try ModelCall(payload)
            // A request that no provider would take is an error here too.
            _ = try call.settings.provider.request(call)
            let trace = CallTrace(call, nil) { now }
            if let error = scripted["error"] {
                var result = failure(error, call).answer
                result.usage = trace.failure(result, attempts: 1)
                return result
            }
            let answer = answer(scripted)
            if call.isStreamed, let stream {
                trace.noteDelta()
                tell(scripted, answer, stream)
            }
            let cost = call.settings.cost(answer.usage)
            var result = HostAnswer.success(
                call.operation == .embed
                    ? ["vectors": scripted["vectors"] ?? .emptyArray, "usage": answer.usage.scriptValue]
                    : answer.value(cost: cost))
            result.usage = trace.record(answer.usage, call.operation == .chat ? answer : nil, attempts: 1)
            return result
        } catch {
            return error.answer
        }
    }

    private static func answer(_ scripted: Value) -> ModelAnswer {
        var answer = ModelAnswer()
        answer.text = scripted["text"]?.string ?? ""
        answer.reasoning = scripted["reasoning"]?.string ?? ""
        answer.reasoningBlocks = scripted["reasoning_blocks"]?.array ?? []
        answer.calls = (scripted["tool_calls"]?.array ?? []).map { call in
            ModelAnswer.ToolCall(
                id: call["id"]?.string ?? "", name: call["name"]?.string ?? "",
                arguments: call["arguments"]?.string ?? "{}")
        }
        answer.finish =
            scripted["finish_reason"]?.string.map { ModelAnswer.FinishReason(rawValue: $0) ?? .other }
            ?? (answer.calls.isEmpty ? .stop : .toolCalls)
        let usage = scripted["usage"]
        answer.usage.calls = 1
        answer.usage.inputTokens = ModelUsage.count(usage?["input_tokens"] ?? 10)
        answer.usage.outputTokens = ModelUsage.count(usage?["output_tokens"] ?? 5)
        answer.usage.cachedInputTokens = ModelUsage.count(usage?["cached_input_tokens"])
        return answer
    }

    /// A real answer in the form in which a test gives one.
    package static func scripted(_ answer: Value) -> Value {
        var entries: [(String, Value)] = []
        for key in ["text", "reasoning", "tool_calls", "finish_reason", "usage", "vectors"] {
            if let value = answer[key] { entries.append((key, value)) }
        }
        if let blocks = answer["message"]?["reasoning_blocks"] { entries.append(("reasoning_blocks", blocks)) }
        return Value(entries: entries)
    }

    private static func tell(_ scripted: Value, _ answer: ModelAnswer, _ stream: (Value) -> Void) {
        if let deltas = scripted["deltas"]?.array {
            for delta in deltas {
                let text = delta.string ?? delta["text"]?.string ?? ""
                let kind = delta["kind"]?.string.flatMap(ModelDelta.Kind.init) ?? .text
                stream(ModelDelta(kind: kind, text: text, index: Int(clamping: delta["index"]?.int ?? 1)).value)
            }
        } else if !answer.text.isEmpty {
            stream(ModelDelta(kind: .text, text: answer.text, index: 1).value)
        }
    }

    private static func failure(_ error: Value, _ call: ModelCall) -> HostFailure {
        let message = error["message"]?.string ?? "the model failed"
        guard let status = error["status"]?.int else {
            return HostFailure("model_error", message, retryable: error["retryable"]?.bool ?? false)
        }
        let body: Value = error["body"] ?? ["error": ["message": Value(message)]]
        return .refused(by: call.settings, status: Int(clamping: status), body: Array(body.json.utf8), retryAfter: nil)
    }
}
