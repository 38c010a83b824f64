internal import FlatValue
internal import WorkflowCore

/// A server of the Model Context Protocol as a script names it, allowed and with its secrets in place.
enum MCPServerSettings: Sendable {
    /// A program that speaks by its standard input and output.
    case program(ExecCall)
    /// Streamable HTTP; the call has the address and the headers that each request carries.
    case http(HTTPCall)

    /// Reads `{ command | url, headers?, env?, cwd? }`.
    init(_ value: Value, _ service: HostEffectsService) throws(HostFailure) {
        if let command = value["command"], !command.isNull {
            var call: [(String, Value)] = [("argv", command)]
            for key in ["env", "cwd"] { if let given = value[key], !given.isNull { call.append((key, given)) } }
            self = .program(try ExecCall(Value(entries: call), service.permissions, service.secrets))
        } else {
            var call: [(String, Value)] = [("method", "POST"), ("url", value["url"] ?? "")]
            if let headers = value["headers"], !headers.isNull { call.append(("headers", headers)) }
            self = .http(try service.allowed(HTTPCall(Value(entries: call))))
        }
    }

    /// How messages call the server.
    var name: String {
        switch self {
        case .program(let call): call.arguments.first ?? ""
        case .http(let call): call.url.host
        }
    }
}
