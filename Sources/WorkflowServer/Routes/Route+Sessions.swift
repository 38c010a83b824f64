internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import WorkflowEngine

extension Route {
    static let sessions: [Route] = [
        Route(
            .post, "/api/session",
            "Logs a browser in: keeps the token of the Authorization header in a cookie that no script reads. Requests that change "
                + "something by the cookie need the header X-CSRF-Protection, with any value.",
            role: .read
        ) { request, core in
            var response = Response.json(["principal": request.context.principal.value])
            guard core.access != nil, let header = request.request.headers[.authorization] else { return response }
            let token = header.split(separator: " ", maxSplits: 1).last.map { $0.drop { $0 == " " } } ?? ""
            guard let cookie = SessionCookie.setting(String(token), for: request.request, below: core.options.basePath)
            else {
                throw APIError.badRequest(
                    "A browser keeps no token of more than \(SessionCookie.longest) bytes", code: "token_too_long")
            }
            response.headers.append(cookie)
            return response
        },
        Route(.delete, "/api/session", "Logs a browser out.", role: nil, answers: [204]) { request, core in
            if SessionCookie.token(of: request.request) != nil { try SessionCookie.check(request.request) }
            var response = Response(status: .noContent, headers: [.cacheControl: "no-store"])
            response.headers.append(SessionCookie.clearing(for: request.request, below: core.options.basePath))
            return response
        },
    ]
}
