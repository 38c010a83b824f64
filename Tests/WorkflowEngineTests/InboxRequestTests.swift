import FlatValue
import Testing

@testable import WorkflowEngine

@Suite("What messages ask of runs") struct InboxRequestTests {
    @Test(
        arguments: [
            .reply(at: "ask", data: 1, by: nil, key: nil), .reply(at: nil, data: ["data": 2], by: nil, key: nil),
            .reply(at: "a/ask", data: nil, by: "ada", key: nil),
            .reply(at: nil, data: [], by: nil, key: RequestKey("once", of: "reply")),
            .signal("paid", payload: ["key": "k:1"], key: nil),
            .signal("paid", payload: 3, key: RequestKey("a:b", of: "signal", "paid")),
            .begin, .cancel(reason: "enough"), .cancelChain(reason: ""),
        ] as [InboxRequest]) func `a message asks what it was made of`(request: InboxRequest)
    {
        #expect(InboxMessage.Content(request).request == request)
    }

    @Test func `what another program wrote asks for something all the same`() {
        func request(_ kind: InboxMessage.Kind, _ payload: Value) -> InboxRequest {
            InboxMessage.Content(kind: kind, target: "", payload: payload).request
        }
        #expect(request(.cancel, .null) == .cancel(reason: "cancelled"))
        #expect(request(.cancel, "enough") == .cancel(reason: "enough"))
        #expect(request(.signedReply, 7) == .reply(at: nil, data: .null, by: nil, key: nil))
        #expect(request(.keyedSignal, ["key": "no key"]) == .signal("", payload: .null, key: nil))
    }
}
