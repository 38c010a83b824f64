internal import FlatValue
internal import WorkflowEngine

/// What stands around the pieces of a request of OTLP/HTTP in JSON.
struct ExportEnvelope: Sendable {
    enum Signal: Sendable {
        case traces
        case logs

        /// What is dropped, as people are told.
        var things: Troubles.Things { self == .logs ? .logs : .spans }
    }

    let signal: Signal
    private let head: [UInt8]
    private let tail: [UInt8]

    /// - Parameter resource: what the process says of itself, such as `service.name`.
    init(_ signal: Signal, resource: Attributes, version: String = engineVersion) {
        self.signal = signal
        var text = ByteArena()
        defer { text.deallocate() }
        text.append(text: signal == .traces ? #"{"resourceSpans":"# : #"{"resourceLogs":"#)
        text.append(text: #"[{"resource":{"attributes":"#)
        text.append(attributes: resource)
        text.append(text: signal == .traces ? #"},"scopeSpans":"# : #"},"scopeLogs":"#)
        text.append(text: #"[{"scope":{"name":"aikit-lua","version":"#)
        text.append(jsonString: version)
        text.append(text: signal == .traces ? #"},"spans":["# : #"},"logRecords":["#)
        head = Array(text.bytes)
        tail = Array("]}]}]}".utf8)
    }

    func body(_ pieces: [ExportPiece]) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(pieces.reduce(head.count + tail.count) { $0 + $1.count + 1 })
        body += head
        for (index, piece) in pieces.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += piece
        }
        body += tail
        return body
    }
}
