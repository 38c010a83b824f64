internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import WorkflowCore
internal import WorkflowEngine

extension Response {
    static let jsonType = "application/json; charset=utf-8"

    /// A JSON answer.
    static func json(_ value: Value, status: HTTPResponse.Status = .ok) -> Response {
        text(value.json, type: jsonType, status: status)
    }

    /// A run as a client of AI Kit knows it, with all that it came to.
    ///
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`.
    static func run(
        _ record: RunRecord, _ place: QueuePlace? = nil, redacts: Bool, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        try record.telling { json(RunRendering.run(record, place, redacts: redacts), status: status) }
    }

    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
