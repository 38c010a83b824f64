internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The dashboard: one page and its assets, for which nobody needs a token; all data comes by the API.
enum DashboardRoutes {
    /// Scripts and styles come from this server only, and nothing that stands in the page itself runs.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static func add(to router: Router<ServerContext>, below basePath: String) {
        router.on(RouterPath(basePath + "/"), method: .get) { request, _ -> Response in
            // Addresses in the page are relative to it, so that it lies in a folder.
            guard request.uri.path.hasSuffix("/") else {
                return Response(status: .permanentRedirect, headers: [.location: basePath + "/"])
            }
            return try answer("index.html", request)
        }
        router.on(RouterPath(basePath + "/assets/{name}"), method: .get) { request, context -> Response in
            try answer(context.parameters.get("name") ?? "", request)
        }
    }

    private static func answer(_ name: String, _ request: Request) throws -> Response {
        guard let file = DashboardFile.all[name] else {
            throw APIError(.notFound, "not_found", "There is nothing here")
        }
        let packed = request.acceptsGzip ? file.packed : nil
        // Each representation has a tag of its own.
        let tag = packed == nil ? "\"\(file.tag)\"" : "\"\(file.tag)-gzip\""
        var headers: HTTPFields = [
            .contentType: file.type, .cacheControl: "no-cache", .eTag: tag, .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: policy, .referrerPolicy: "no-referrer", .vary: "Accept-Encoding",
        ]
        if packed != nil { headers[.contentEncoding] = "gzip" }
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split { $0 == "," || $0 == " " } }
        if known.contains(where: { $0 == tag }) {
            headers[.contentType] = nil
            headers[.contentEncoding] = nil
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: packed ?? file.body))
    }
}
