internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

/// One route: what the router and the OpenAPI document need to know of it.
struct Route: Sendable {
    /// What stands in the query.
    struct Parameter: Sendable {
        var name: String
        var text: String
        var schema: Value = ["type": "string"]
        /// Whether it may be given more than once.
        var isRepeatable = false
    }

    var method: HTTPRequest.Method
    /// Such as `/api/runs/{id}`; `**` at the end takes the rest.
    var path: String
    var summary: String
    /// What the caller has to be; nil for a route that needs no token.
    var role: AccessToken.Role?
    var query: [Parameter] = []
    /// Headers that the route wants.
    var headers: [Parameter] = []
    /// The schema of the body; nil for a route that reads none.
    var body: Value?
    var isBodyOptional = false
    /// What the answer may be beside errors, and its content type.
    var answers: [Int] = [200]
    var type = "application/json"
    /// Whether it is one of AI Kit's, whose clients may say more than it reads.
    var isLenient = false
    /// The statuses of errors, beside those that every route may have.
    var errors: [Int] = []
    /// What a 400 may hold besides the server's own error; nil for nothing.
    var refusal: Value?
    var handler: @Sendable (APIRequest, ServerCore) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, role: AccessToken.Role?,
        query: [Parameter] = [], body: Value? = nil, isBodyOptional: Bool = false, answers: [Int] = [200],
        type: String = "application/json", errors: [Int] = [], isLenient: Bool = false,
        _ handler: @escaping @Sendable (APIRequest, ServerCore) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.role = role
        self.query = query
        self.body = body
        self.isBodyOptional = isBodyOptional
        self.answers = answers
        self.type = type
        self.errors = errors
        self.isLenient = isLenient || role == nil
        self.handler = handler
    }

    /// Whether requests with one `Idempotency-Key` count once.
    var hasKey: Bool {
        guard method == .post else { return false }
        return ["/runs", "/run", "/stream", "/runs/{run}/resume"].contains { "/api/workflows/{id}" + $0 == path }
            || ["/retry", "/fork", "/resume", "/signals/{event}", "/cancel"].contains { "/api/runs/{id}" + $0 == path }
            || path == "/api/tasks/{run}/**" || path == "/api/schedules/{id}/trigger"
    }

    /// Whether it reads no body, and a body that says something is an error.
    var refusesBody: Bool { method == .post && body == nil && !isLenient }

    static let all: [Route] =
        operation + sessions + workflows + agents + runs + steering + tasks + schedules + sources + hooks + mcp
}

extension Route.Parameter {
    static let wait = Route.Parameter(
        name: "wait", text: "How long to wait at most, such as 30s; no longer than 1h.",
        schema: [
            "type": "string",
            "pattern": "^([0-9]{1,6}ms|([0-9]{1,3}|[12][0-9]{3}|3[0-5][0-9]{2}|3600)s?|([0-5]?[0-9]|60)m|[01]h)$",
        ])
    static let redact = Route.Parameter(
        name: "redact", text: "With `[secret]` in place of what schemas call secret.", schema: RouteSchema.flag)
    static let after = Route.Parameter(
        name: "after", text: "Only events with a larger sequence.", schema: ["type": "integer", "minimum": 0])
}
