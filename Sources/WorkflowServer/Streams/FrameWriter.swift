internal import FlatValue
internal import Hummingbird
internal import NIOCore
internal import Platform
internal import WorkflowCore

/// Writes the frames of one stream, for the one task that answers the request.
///
/// Each write returns once the client has taken enough of what was written before, so that a client who is slow holds up its own
/// stream and costs one portion.
struct FrameWriter: @unchecked Sendable {
    /// How many bytes are written at a time.
    static let portion = 16 << 10
    /// More events than so many are rendered in turn.
    private static let few = 16

    nonisolated(unsafe) private var writer: any ResponseBodyWriter
    private let turns: TurnLimit

    init(_ writer: any ResponseBodyWriter, _ turns: TurnLimit) {
        self.writer = writer
        self.turns = turns
    }

    /// Has a connection take no more than some portions ahead of its client: a client that is slow is known to be so early, and
    /// costs little until then, here and in the kernel.
    static func bound(_ channel: any Channel) async {
        let marks = ChannelOptions.Types.WriteBufferWaterMark(low: portion / 2, high: portion)
        // Without them it works as well, and costs more.
        try? await channel.setOption(ChannelOptions.writeBufferWaterMark, value: marks).get()
        try? await channel.setOption(ChannelOptions.socketOption(.so_sndbuf), value: SocketOptionValue(4 * portion))
            .get()
    }

    /// One frame; JSON text has no line ends.
    mutating func frame(_ event: String, _ data: Value) async throws {
        try await write(ByteBuffer(string: "event: \(event)\ndata: \(data.json)\n\n"))
    }

    mutating func events(
        _ events: [RunEvent], withIDs: Bool = true, isBrief: Bool = false, redacts: Bool = false
    ) async throws {
        var rest = events[...]
        while !rest.isEmpty {
            var buffer = ByteBuffer()
            let isInTurn = rest.count > Self.few
            if isInTurn { await turns.enter() }
            while buffer.readableBytes < Self.portion, let event = rest.popFirst() {
                buffer.writeString("event: \(event.type)\n")
                if withIDs { buffer.writeString("id: \(event.sequence)\n") }
                let told = isBrief ? event.brief : event.value
                buffer.writeString("data: \((redacts ? event.redacted(told) : told).json)\n\n")
            }
            if isInTurn { turns.leave() }
            try await write(buffer)
        }
    }

    /// The frame with what came of a run; one with the error where it cannot be told.
    mutating func result(_ frame: () async throws -> ByteBuffer) async throws {
        let bytes: ByteBuffer
        do {
            bytes = try await frame()
        } catch {
            if error is CancellationError { throw error }
            return try await self.frame("error", ["message": Value(APIError(error).message)])
        }
        try await write(bytes)
    }

    /// Frames that have been written down.
    mutating func write(_ frames: ByteBuffer) async throws {
        var rest = frames
        while let portion = rest.readSlice(length: min(rest.readableBytes, Self.portion)), portion.readableBytes > 0 {
            try await writer.write(portion)
        }
    }

    mutating func comment() async throws { try await writer.write(ByteBuffer(string: ":\n\n")) }

    /// Tells the client to come again soon.
    mutating func retry() async throws { try await writer.write(ByteBuffer(string: "retry: 1000\n\n")) }

    consuming func finish() async throws { try await writer.finish(nil) }
}
