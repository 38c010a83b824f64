package import FlatValue
internal import WorkflowCore

/// A message of JSON-RPC 2.0 as the Model Context Protocol uses it: ids are texts or whole numbers, and there are no batches.
package enum RPCMessage: Sendable {
    case request(id: Value, method: String, params: Value)
    case notification(method: String, params: Value)
    /// The answer to a request of this side: a result or an error object.
    case response(id: Value, isError: Bool, value: Value)

    /// Reads one message in UTF-8.
    package init(_ text: UnsafeRawBufferPointer) throws(RPCFault) {
        let value: Value
        do throws(JSONError) {
            value = try Value(json: text, isStrict: true)
        } catch {
            if let key = error.repeatedKey {
                throw RPCFault(RPCError(.invalidRequest, "The key '\(key.prefix(200))' comes twice"))
            }
            throw RPCFault(RPCError(.parse, "The message is no JSON: \(error.description)"))
        }
        if value.array != nil { throw RPCFault(RPCError(.invalidRequest, "Batches are not supported")) }
        guard value.entries != nil, value["jsonrpc"]?.string == "2.0" else {
            throw RPCFault(RPCError(.invalidRequest, "The message is not one of JSON-RPC 2.0"))
        }
        let id = value["id"]
        let isKnowable = id.map { $0.string != nil || $0.int != nil } ?? false
        guard let method = value["method"]?.string else {
            guard let id, isKnowable, value["result"] != nil || value["error"] != nil else {
                throw RPCFault(
                    RPCError(.invalidRequest, "The message has neither a method nor a result"),
                    id: isKnowable ? id : Value?.none)
            }
            let error = value["error"]
            self = .response(id: id, isError: error != nil, value: error ?? value["result"] ?? .null)
            return
        }
        let params = value["params"] ?? .emptyObject
        guard params.entries != nil else {
            throw RPCFault(RPCError(.invalidParams, "params has to be an object"), id: isKnowable ? id : Value?.none)
        }
        guard let id else {
            self = .notification(method: method, params: params)
            return
        }
        guard isKnowable else { throw RPCFault(RPCError(.invalidRequest, "id has to be a text or a whole number")) }
        self = .request(id: id, method: method, params: params)
    }
}

/// What is wrong with a request, as its answer says it.
package struct RPCError: Error {
    package enum Code: Int64, Sendable {
        case parse = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case invalidParams = -32602
        case internalError = -32603
        case missingResource = -32002
    }

    var code: Code
    var message: String
    var data: Value?

    package init(_ code: Code, _ message: String, data: Value? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// The answer to the request of an id; null where the id is not known.
    package func answer(to id: Value?) -> Value {
        var error: [(String, Value)] = [("code", Value(code.rawValue)), ("message", Value(message))]
        if let data { error.append(("data", data)) }
        return ["jsonrpc": "2.0", "id": id ?? .null, "error": Value(entries: error)]
    }
}

/// A message that cannot be taken, with the id of the request if it has one.
package struct RPCFault: Error {
    var error: RPCError
    var id: Value?

    init(_ error: RPCError, id: Value? = nil) {
        self.error = error
        self.id = id
    }

    package var answer: Value { error.answer(to: id) }
}
