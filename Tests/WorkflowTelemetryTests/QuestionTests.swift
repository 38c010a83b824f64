import FlatValue
import Testing

@testable import WorkflowTelemetry

@Suite("What models were asked") struct QuestionTests {
    @Test func `it is left out of the output of an agent that is another one's tool`() throws {
        let inner: Value = [
            "finish_reason": "stop", "turns": 1, "text": "done",
            "messages": [
                ["role": "system", "content": "rules"], ["role": "user", "content": "question"],
                ["role": "assistant", "content": "done"],
            ],
        ]
        let outer: Value = [
            "finish_reason": "stop", "turns": 2,
            "messages": [
                ["role": "user", "content": "first"],
                ["role": "tool", "content": Value(inner.json), "tool_call_id": "c"],
                ["role": "tool", "content": "plain text"],
            ],
        ]
        let told = outer.withoutQuestions.json
        for text in ["rules", "question", "first"] { #expect(!told.contains(text)) }
        for text in ["done", "plain text", "tool_call_id"] { #expect(told.contains(text)) }
        let kept: Value = ["role": "tool", "content": #"{ "b" : 1 }"#]
        #expect(kept.withoutQuestions == kept)
    }
}
