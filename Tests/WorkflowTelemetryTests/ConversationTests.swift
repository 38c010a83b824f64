import FlatValue
import JSONSchema
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Conversations of models in spans") struct ConversationTests {
    private func message(_ text: String) -> Value { ["role": "user", "content": Value(text)] }

    @Test func `what no span can show is not kept, however long a conversation is`() {
        var conversation = Conversation()
        for number in 0..<10_000 { conversation.append([message("\(number) " + String(repeating: "x", count: 1000))]) }
        #expect(conversation.isCut)
        #expect(conversation.messages.count < 200)
        #expect(Value(array: conversation.messages).json.utf8.count > RecordedContent.textLimit)
    }

    @Test func `a conversation that was cut is marked, also where it becomes short without its secrets`() throws {
        var conversation = Conversation()
        let secret = String(repeating: "hush", count: 40_000)
        conversation.append([message(secret), message("next")])
        #expect(conversation.isCut)
        var redaction = Redaction()
        redaction.learn(Value(secret), try Schema(["writeOnly": true]))
        let text = RecordedContent.text(of: redaction.redact(Value(array: conversation.messages)), isWhole: false)
        #expect(text == #"[{"content":"[secret]","role":"user"}]… [cut off]"#)
        for isWhole in [true, false] {
            let long = RecordedContent.text(of: Value(String(repeating: "é", count: 20_000)), isWhole: isWhole)
            #expect(long.utf8.count <= RecordedContent.textLimit && long.hasSuffix("… [cut off]"))
        }
        let edge = RecordedContent.text(of: Value(String(repeating: "e", count: 31_990)), isWhole: false)
        #expect(edge.utf8.count <= RecordedContent.textLimit && edge.hasSuffix("… [cut off]"))
        #expect(RecordedContent.text(of: ["a"]) == #"["a"]"#)
    }

    @Test func `a turn shows what was said before it, up to what a span shows`() throws {
        var conversation = Conversation()
        conversation.append([message("first")])
        let record: Value = [
            "model": "tiny", "startedAt": 1, "endedAt": 2, "input": Value(array: [message("second")]),
        ]
        let made = try #require(MadeSpan(model: record, index: -1, after: conversation))
        guard case .model(_, let input, let isWhole) = made.content else {
            Issue.record("it is no call of a model")
            return
        }
        #expect(input?.array?.compactMap { $0["content"]?.string } == ["first", "second"])
        #expect(isWhole)
        conversation.append([message(String(repeating: "x", count: 200_000))])
        let later = try #require(MadeSpan(model: record, index: -1, after: conversation))
        guard case .model(_, let cut, let isCut) = later.content else {
            Issue.record("it is no call of a model")
            return
        }
        #expect(cut?.array?.count == 2 && !isCut)
    }
}
