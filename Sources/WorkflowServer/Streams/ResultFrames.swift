internal import FlatValue
internal import NIOCore
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The frames with which streams of runs end that are over: the newest ones are kept, so that each is made once for all streams that
/// end with it.
final class ResultFrames: Sendable {
    /// How many bytes are kept besides the newest frame, and how many frames.
    private static let (byteLimit, countLimit) = (8 << 20, 64)

    private let directory: RunDirectory
    private let kept = Mutex<[Frame]>([])
    /// One makes a frame at a time, and whoever waited finds it.
    private let turn = TurnLimit(1)

    private struct Frame {
        let header: RunHeader
        let redacts: Bool
        let bytes: ByteBuffer
    }

    init(_ directory: RunDirectory) { self.directory = directory }

    /// `result` with what came of a run that is over.
    ///
    /// - Parameter redacts: without what schemas call secret.
    func frame(of id: String, redacts: Bool) async throws -> ByteBuffer {
        let header = try await directory.header(of: id)
        if let known = find(header, redacts) { return known }
        await turn.enter()
        defer { turn.leave() }
        if let known = find(header, redacts) { return known }
        let record = try await directory.record(of: id)
        let bytes = try Self.frame(record, redacts: redacts)
        // Of a run that has been let go on with meanwhile there will be another one.
        if header.status.isTerminal { keep(Frame(header: header, redacts: redacts, bytes: bytes)) }
        return bytes
    }

    /// `result` with how a run stands.
    ///
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`.
    static func frame(_ record: RunRecord, redacts: Bool) throws -> ByteBuffer {
        try record.telling {
            let told: Value = ["runId": Value(record.id), "result": RunRendering.run(record, redacts: redacts)]
            return ByteBuffer(string: "event: result\ndata: \(told.json)\n\n")
        }
    }

    private func find(_ header: RunHeader, _ redacts: Bool) -> ByteBuffer? {
        kept.withLock { kept in
            kept.first { $0.header == header && $0.redacts == redacts }?.bytes
        }
    }

    private func keep(_ frame: Frame) {
        kept.withLock { kept in
            kept.insert(frame, at: 0)
            var size = -frame.bytes.readableBytes
            kept = Array(
                kept.prefix(Self.countLimit).prefix {
                    size += $0.bytes.readableBytes
                    return size <= Self.byteLimit
                })
        }
    }
}
