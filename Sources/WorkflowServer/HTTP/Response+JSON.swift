internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import WorkflowCore

extension Response {
    static let jsonType = "application/json; charset=utf-8"

    /// A JSON answer.
    static func json(_ value: Value, status: HTTPResponse.Status = .ok) -> Response {
        text(value.json, type: jsonType, status: status)
    }

    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
