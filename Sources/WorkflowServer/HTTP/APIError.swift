internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

/// What a request came to instead of an answer: a status, and a body `{ error, code, details? }`.
struct APIError: Error {
    var status: HTTPResponse.Status
    var code: String
    var message: String
    var details: Value?
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, details: Value? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details
    }

    var body: Value {
        var entries: [(String, Value)] = [("error", Value(message)), ("code", Value(code))]
        if let details { entries.append(("details", details)) }
        return Value(entries: entries)
    }

    var response: Response {
        var response = Response.json(body, status: status)
        for field in headers { response.headers.append(field) }
        return response
    }

    /// The answer to an error of whatever kind; what is not known of becomes a 500 without its text.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as RunFailure: self.init(error)
        case let error as JournalError: self.init(error)
        case let error as any HTTPResponseError:
            let known: [HTTPResponse.Status: (String, String)] = [
                .notFound: ("not_found", "There is nothing here"),
                .contentTooLarge: ("too_large", "The request body is too large"),
                .uriTooLong: ("uri_too_long", "The address is too long"),
            ]
            let (code, text) = known[error.status] ?? ("bad_request", error.status.reasonPhrase)
            self.init(error.status, code, text)
        case is CancellationError: self = .stopping
        default: self.init(.internalServerError, "internal", "An error occurred that the log of the server describes")
        }
    }

    private init(_ failure: RunFailure) {
        let status: HTTPResponse.Status =
            switch failure.code {
            case "missing", "unknown_workflow", "unknown_path", "unknown_schedule": .notFound
            case "invalid_run_id": .badRequest
            case "permission_denied": .forbidden
            case "not_waiting", "ambiguous_step", "ambiguous_schedule", "other_request", "over", "run_over", "id_taken",
                "other_input", "run_active", "not_failed", "not_over", "undone", "misfit", "unchanged", "code_missing",
                "load_failed":
                .conflict
            case "invalid_input", "invalid_response", "invalid_event", "unknown_event", "run_too_large", "hook_failed":
                .unprocessableContent
            // The run has left this engine meanwhile; asked again, it is found where it is.
            case "engine_stopped", "released", "conflict", "owner_gone": .serviceUnavailable
            // As other runs end, or in another process.
            case "not_enough_memory": .serviceUnavailable
            case "invalid_tags": .badRequest
            case "store_corrupt": .internalServerError
            // Nothing of it has happened, or the store says later what has.
            case let code where code.hasPrefix("store_"): .serviceUnavailable
            default: .internalServerError
            }
        self.init(status, failure.code, failure.message, details: failure.details)
        if status == .serviceUnavailable { headers[.retryAfter] = "1" }
    }

    private init(_ error: JournalError) {
        switch error.reason {
        case .runActive, .conflict, .otherCode: self.init(.conflict, error.code, error.message)
        case .storeCorrupt: self.init(.internalServerError, error.code, error.message)
        default:
            self.init(.serviceUnavailable, error.code, error.message)
            headers[.retryAfter] = "1"
        }
    }

    static var stopping: APIError {
        var error = APIError(.serviceUnavailable, "stopping", "The server is stopping")
        error.headers[.retryAfter] = "1"
        return error
    }

    /// Nobody is there any more to be answered; the status is for the figures alone.
    static var clientGone: APIError {
        APIError(
            HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"), "client_gone",
            "The client closed the connection")
    }

    /// The server has no room for the request now.
    static func overloaded(_ message: String) -> APIError {
        var error = APIError(.serviceUnavailable, "overloaded", message)
        error.headers[.retryAfter] = "1"
        return error
    }

    static func badRequest(_ message: String, code: String = "bad_request") -> APIError {
        APIError(.badRequest, code, message)
    }

    /// Something was named that a route does not read.
    static func unknown(_ what: String, _ name: String, _ known: [String]) -> APIError {
        let hint =
            nearest(to: name, in: known).map { "; did you mean '\($0)'?" }
            ?? (known.isEmpty ? "; there are none" : "; there are: " + known.joined(separator: ", "))
        let code = what == "key" ? "unknown_key" : "unknown_parameter"
        return badRequest("There is no \(what) '\(name)'" + hint, code: code)
    }

    static func noWorkflow(_ id: String) -> APIError {
        APIError(.notFound, "unknown_workflow", "Workflow \(id) not found")
    }
}
