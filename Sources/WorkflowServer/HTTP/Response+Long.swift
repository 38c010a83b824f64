internal import Compression
internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import WorkflowCore

extension Response {
    /// A JSON answer that may be long.
    static func long(_ value: Value, to request: Request) -> Response {
        long(value.json, type: jsonType, to: request)
    }

    /// A text that may be long: as gzip where the client takes it and it is worth the while.
    static func long(_ text: String, type: String, to request: Request) -> Response {
        var response: Response
        if request.acceptsGzip, text.utf8.count > 4096, let packed = gzip(Array(text.utf8)) {
            response = Response(
                status: .ok,
                headers: [
                    .contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                    .contentEncoding: "gzip",
                ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: packed)))
        } else {
            response = .text(text, type: type)
        }
        response.headers[.vary] = "Accept-Encoding"
        return response
    }
}
