internal import FlatValue
internal import Hummingbird
internal import NIOCore
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// The recorded events of a run as JSON: `{ events, status, next }`, where `next` is the `after` of the next page, or null.
///
/// A long list is written as it is read, so that neither the list nor its text is ever held as a whole.
enum RecordedEvents {
    /// Lists up to so many bytes are answered in one piece.
    private static let shortest = 256 << 10

    static func response(
        _ id: String, after: Int, isBrief: Bool, _ request: APIRequest, _ core: ServerCore
    ) async throws -> Response {
        let reader = EventReader(
            pages: try await core.directory.recorded(of: id, after: after), last: after,
            limit: try request.number("limit", in: 1...100_000) ?? .max, path: request.query("path"), isBrief: isBrief,
            redacts: try request.flag("redact"), turns: core.directory.events.turns)
        var begun = ByteBuffer()
        while let text = try await reader.next() {
            begun.writeImmutableBuffer(text)
            if begun.readableBytes > Self.shortest { return .stream(begun, reader, request.context.channel) }
        }
        return .long(String(buffer: begun), type: Response.jsonType, to: request.request)
    }
}

extension Response {
    fileprivate static func stream(_ begun: ByteBuffer, _ reader: EventReader, _ channel: any Channel) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: jsonType, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody { writer in
                await FrameWriter.bound(channel)
                var frames = FrameWriter(writer, reader.turns)
                try await frames.write(begun)
                while let text = try await reader.next() { try await frames.write(text) }
                try await frames.finish()
            })
    }
}

/// The text of the answer, page by page. One task at a time reads it.
private final class EventReader: @unchecked Sendable {
    let turns: TurnLimit
    private let pages: RunEventPages
    private let limit: Int
    private let path: String?
    private let isBrief: Bool
    private let redacts: Bool
    private var last: Int
    private var count = 0
    private var isEnded = false

    init(
        pages: RunEventPages, last: Int, limit: Int, path: String?, isBrief: Bool, redacts: Bool, turns: TurnLimit
    ) {
        (self.pages, self.last, self.limit, self.path) = (pages, last, limit, path)
        (self.isBrief, self.redacts, self.turns) = (isBrief, redacts, turns)
    }

    /// What follows of the text; nil behind its end.
    func next() async throws -> ByteBuffer? {
        if isEnded { return nil }
        guard let events = try await pages.next() else { return end(hasMore: false) }
        await turns.enter()
        defer { turns.leave() }
        var text = ByteBuffer()
        for event in events where path == nil || event.path == path {
            if count == limit {
                var end = end(hasMore: true)
                text.writeBuffer(&end)
                return text
            }
            text.writeString(count == 0 ? "{\"events\":[" : ",")
            let told = isBrief ? event.brief : event.value
            text.writeString((redacts ? event.redacted(told) : told).json)
            count += 1
            last = event.sequence
        }
        return text
    }

    private func end(hasMore: Bool) -> ByteBuffer {
        isEnded = true
        let next = hasMore ? "\(last)" : "null"
        return ByteBuffer(
            string: (count == 0 ? "{\"events\":[" : "")
                + "],\"status\":\"\(pages.header.status.rawValue)\",\"next\":\(next)}")
    }
}
