package import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// One client of the Model Context Protocol, from its `initialize` on; no transport is known here.
///
/// ```swift
/// if let work = session.receive(message, via: { send($0) }) { await work.run() }
/// ```
package final class MCPSession: Sendable {
    /// Sends a message to the client. Calls overlap; each message is to go out whole.
    package typealias Channel = @Sendable (Value) async -> Void

    /// What is left to do for a message.
    package struct Work: Sendable {
        /// Whether it waits for runs or for people.
        package var isLong: Bool
        package var run: @Sendable () async -> Void
    }

    /// The versions of the protocol that are spoken, the newest last.
    package static let versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
    /// How many tool calls of a client may be under way.
    package static let callLimit = 64

    private static let instructions = """
        Each tool is a workflow of aikit-lua: durable, step by step. A call that ends with "is not over" leaves a run behind that waits; \
        the tool 'get-run' tells what came of it. To write or to change a workflow script, read aikit://guides/first-workflow and \
        aikit://reference first.
        """

    let offers: MCPOffers
    let principal: Principal
    private let state = Mutex(State())

    private struct State {
        /// Agreed upon; nil before `initialize`.
        var version: String?
        var client = ""
        var asksPeople = false
        var calls: [String: MCPCall] = [:]
        /// Requests to the client that have no answer yet.
        var questions: [String: MCPQuestion] = [:]
        var lastQuestion = 0
    }

    package init(_ offers: MCPOffers, for principal: Principal) {
        self.offers = offers
        self.principal = principal
    }

    /// Whether something is under way for the client.
    var isBusy: Bool { state.withLock { !$0.calls.isEmpty } }

    /// Who the client's answers are from.
    var signature: String? {
        principal.signature ?? state.withLock { $0.client.isEmpty ? nil : $0.client }
    }

    /// Whether the client lets its user choose several of a list.
    var takesLists: Bool { state.withLock { $0.version == "2025-11-25" } }

    /// Whether the client asks its user what the server wants to know.
    private var asksPeople: Bool { state.withLock { $0.asksPeople } }

    // MARK: Receiving

    /// Takes a message, in the order of their arrival.
    ///
    /// - Parameters:
    ///   - canAsk: whether the channel takes requests to the client as well.
    ///   - traceparent: the span of the caller, as W3C's header, in whose trace runs lie that the message starts; nil for none.
    ///   - channel: sends what belongs to this message, its answer included.
    /// - Returns: nil for a message that asks for nothing.
    package func receive(
        _ message: RPCMessage, canAsk: Bool = true, traceparent: String? = nil, via channel: @escaping Channel
    ) -> Work? {
        switch message {
        case .response(let id, let isError, let value):
            state.withLock { $0.questions.removeValue(forKey: id.json) }?.end(isError ? Value?.none : value)
            return nil
        case .notification("notifications/cancelled", let params):
            guard let id = params["requestId"], let call = state.withLock({ $0.calls[id.json] }) else { return nil }
            let (directory, reason) = (offers.directory, params["reason"]?.string)
            return Work(isLong: true) { await call.cancel(in: directory, reason: reason) }
        case .notification: return nil
        case .request(let id, "tools/call", let params):
            return call(id, MCPCall(params, canAsk: canAsk && asksPeople, traceparent: traceparent, channel))
        case .request(let id, let method, let params):
            return Work(isLong: false) { [self] in await channel(await answer(id) { try await quick(method, params) }) }
        }
    }

    private func call(_ id: Value, _ call: MCPCall) -> Work {
        let refusal = state.withLock { state -> RPCError? in
            if state.version == nil { return Self.uninitialized }
            if state.calls[id.json] != nil { return RPCError(.invalidRequest, "There is a request of this id already") }
            if state.calls.count >= Self.callLimit {
                return RPCError(.internalError, "\(Self.callLimit) calls are under way; call again when one has ended")
            }
            state.calls[id.json] = call
            return nil
        }
        if let refusal { return Work(isLong: false) { await call.channel(refusal.answer(to: id)) } }
        return Work(isLong: true) { [self] in
            let answer = await answer(id) { try await perform(call) }
            _ = state.withLock { $0.calls.removeValue(forKey: id.json) }
            // Whoever gave the call up expects no answer.
            if !call.isCancelled, !Task.isCancelled { await call.channel(answer) }
        }
    }

    private static let uninitialized = RPCError(.invalidRequest, "The session begins with initialize")

    private func answer(_ id: Value, _ body: () async throws -> Value) async -> Value {
        do {
            return ["jsonrpc": "2.0", "id": id, "result": try await body()]
        } catch let error as RPCError {
            return error.answer(to: id)
        } catch {
            let refusal = APIError(error)
            return RPCError(.internalError, refusal.message, data: ["code": Value(refusal.code)]).answer(to: id)
        }
    }

    // MARK: Quick requests

    private func quick(_ method: String, _ params: Value) async throws -> Value {
        if method == "initialize" { return try initialize(params) }
        if method == "ping" { return .emptyObject }
        let known = ["tools/list", "resources/list", "resources/templates/list", "resources/read"]
        guard known.contains(method) else { throw RPCError(.methodNotFound, "There is no method '\(method)'") }
        if state.withLock({ $0.version }) == nil { throw Self.uninitialized }
        switch method {
        case "tools/list":
            let tools = await offers.tools(for: principal)
            return ["tools": Value(array: tools.map(\.value) + [MCPTool.runs])]
        case "resources/list": return ["resources": Value(array: offers.resources.map(Self.described))]
        case "resources/templates/list": return ["resourceTemplates": []]
        default:
            guard let uri = params["uri"]?.string else { throw RPCError(.invalidParams, "resources/read takes a uri") }
            guard let resource = offers.resources.first(where: { $0.uri == uri }) else {
                throw RPCError(.missingResource, "There is no resource '\(uri)'", data: ["uri": Value(uri)])
            }
            return [
                "contents": [
                    ["uri": Value(uri), "mimeType": Value(resource.type), "text": Value(resource.text)]
                ]
            ]
        }
    }

    private func initialize(_ params: Value) throws(RPCError) -> Value {
        guard let asked = params["protocolVersion"]?.string else {
            throw RPCError(.invalidParams, "initialize takes a protocolVersion")
        }
        let version = Self.versions.contains(asked) ? asked : Self.versions.last ?? asked
        let elicitation = params["capabilities"]?["elicitation"]
        // An empty object means forms, as versions before others were known meant it.
        let asksPeople = elicitation?.entries.map { $0.isEmpty || $0.contains { $0.key == "form" } } ?? false
        let client = params["clientInfo"]?["name"]?.string ?? ""
        let isFirst = state.withLock { state in
            guard state.version == nil else { return false }
            state.version = version
            state.asksPeople = asksPeople
            state.client = String(client.prefix(100))
            return true
        }
        guard isFirst else { throw RPCError(.invalidRequest, "The session has begun already") }
        return [
            "protocolVersion": Value(version),
            "capabilities": ["tools": .emptyObject, "resources": .emptyObject],
            "serverInfo": ["name": "aikit-lua", "title": "aikit-lua workflows", "version": Value(engineVersion)],
            "instructions": Value(Self.instructions),
        ]
    }

    private static func described(_ resource: ServerResource) -> Value {
        [
            "uri": Value(resource.uri), "name": Value(String(resource.uri.split(separator: "/").last ?? "")),
            "title": Value(resource.title), "mimeType": Value(resource.type),
            "size": Value(Int64(resource.text.utf8.count)),
        ]
    }

    // MARK: Asking the client

    /// Asks the client's user; nil when nobody answers: the client refuses, the call is given up, or the client is gone.
    func ask(_ form: ElicitationForm, for call: MCPCall) async -> Value? {
        let question = MCPQuestion()
        let id = state.withLock { state in
            state.lastQuestion += 1
            let id = "question-\(state.lastQuestion)"
            state.questions[Value(id).json] = question
            return id
        }
        defer { _ = state.withLock { $0.questions.removeValue(forKey: Value(id).json) } }
        guard call.begin(question) else { return Value?.none }
        await call.channel([
            "jsonrpc": "2.0", "id": Value(id), "method": "elicitation/create",
            "params": ["message": Value(form.message), "requestedSchema": form.schema],
        ])
        return await question.answer()
    }
}
