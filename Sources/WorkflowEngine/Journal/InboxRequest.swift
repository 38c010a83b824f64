package import FlatValue
internal import WorkflowCore

/// What a message asks of its run. ``InboxMessage/Content`` is how stores and processes keep it.
package enum InboxRequest: Sendable, Equatable {
    /// An answer to the step that waits at a path; at nil to the only one that waits.
    case reply(at: String?, data: Value, by: String?, key: RequestKey?)
    case signal(String, payload: Value, key: RequestKey?)
    /// The run may begin; posted by the store's queue.
    case begin
    /// The run is to stop.
    case cancel(reason: String)
    /// The run is to stop, or whichever goes on in its place.
    case cancelChain(reason: String)
}

extension InboxMessage.Content {
    package init(_ request: InboxRequest) {
        switch request {
        case .reply(let path, let data, nil, nil): self.init(kind: .reply, target: path ?? "", payload: data)
        case .reply(let path, let data, let name, let key):
            var payload = [("data", data)]
            if let name { payload.append(("by", Value(name))) }
            if let key { payload.append(("key", Value(key.text))) }
            self.init(kind: .signedReply, target: path ?? "", payload: Value(entries: payload))
        case .signal(let event, let payload, nil): self.init(kind: .signal, target: event, payload: payload)
        case .signal(let event, let payload, let key?):
            self.init(kind: .keyedSignal, target: event, payload: ["payload": payload, "key": Value(key.text)])
        case .begin: self.init(kind: .begin, target: "", payload: .null)
        case .cancel(let reason): self.init(kind: .cancel, target: "", payload: ["reason": Value(reason)])
        case .cancelChain(let reason): self.init(kind: .cancelChain, target: "", payload: ["reason": Value(reason)])
        }
    }

    /// Another program may have written it: what is missing in a payload is null, or a reason of its own.
    package var request: InboxRequest {
        let path = target.isEmpty ? nil : target
        let key = payload["key"]?.string.flatMap { RequestKey($0) }
        let reason = payload["reason"]?.string ?? payload.string ?? "cancelled"
        return switch kind {
        case .reply: .reply(at: path, data: payload, by: nil, key: nil)
        case .signedReply: .reply(at: path, data: payload["data"] ?? .null, by: payload["by"]?.string, key: key)
        case .signal: .signal(target, payload: payload, key: nil)
        case .keyedSignal: .signal(target, payload: payload["payload"] ?? .null, key: key)
        case .begin: .begin
        case .cancel: .cancel(reason: reason)
        case .cancelChain: .cancelChain(reason: reason)
        }
    }
}
