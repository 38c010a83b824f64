package import FlatValue
internal import WorkflowCore

/// One message between the host and a VM process.
///
/// On the socket: u32 length of all that follows, u8 kind, u32 length of the header, the header as one flat value, the body. All
/// numbers are little-endian.
package struct WireFrame: Sendable, Equatable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        // From the host.

        /// `{ memory, script_memory, eager }`: the first frame; the process locks itself.
        case configure = 1
        /// `{ script, files: [{ module, path, length }], pinned }`, the sources as body: loads a script under a number.
        case load
        /// What ``Kind/ask`` asked.
        case told
        /// `{ run, script, workflow, ... }`: begins a run.
        case begin
        /// A run of the store, its journal as body: goes on with it.
        case restore
        /// `{ batch, outcomes }`: what became of a batch.
        case outcomes
        /// `{ call, ok, value, usage?, open }`: the answer to a host request.
        case answer
        /// `{ call, data }`: an operation tells of something that is kept nowhere.
        case stream
        /// A message of the inbox.
        case message
        /// `{ run }`: nothing more of it begins; `quiet` follows.
        case hold
        /// `{ run }`: it is not driven any more; `quiet` follows behind all that it may still write.
        case drop
        /// `{ script }`: no more runs of it begin.
        case forget
        /// `{ question, script, workflow, slot, name }`, the argument as body: calls a function of no run; `returned` follows.
        case call
        /// Whether the process still reads; `pong` follows.
        case ping

        // From the VM process.

        /// `{ locks }`: it is locked as the bits say, and takes scripts.
        case ready = 64
        /// `{ script, description }` or `{ script, error }`.
        case loaded
        /// `{ question, module }` or `{ question, zone, at }`.
        case ask
        /// Entries of journals, their bytes as body.
        case batch
        /// A host request.
        case request
        /// `{ call }`: nobody wants the answer any more.
        case cancel
        /// `{ run, type, path?, data }`
        case transient
        /// `{ time, level, message, fields?, workflow, run, path }`
        case log
        /// `{ text }`
        case print
        case quiet
        /// `{ run, code, message, details? }`: nothing more happens to the run there.
        case refused
        /// `{ question, ok, code?, message?, details? }`, the value as body: what a function came to.
        case returned
        case pong
    }

    package var kind: Kind
    package var header: Value
    package var body: [UInt8]

    package init(_ kind: Kind, _ header: Value, body: [UInt8] = []) {
        self.kind = kind
        self.header = header
        self.body = body
    }

    /// The longest frame that is taken, in bytes: a batch may hold a large part of a run.
    package static let sizeLimit = 512 << 20
    /// Bytes before the header, without the length of the frame.
    private static let prefix = 5

    /// The frame as it goes onto the socket.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        header.withBytes { header in
            bytes.reserveCapacity(9 + header.count + body.count)
            Self.append(UInt32(Self.prefix + header.count + body.count), to: &bytes)
            bytes.append(kind.rawValue)
            Self.append(UInt32(header.count), to: &bytes)
            bytes.append(contentsOf: header)
        }
        bytes.append(contentsOf: body)
        return bytes
    }

    /// Decodes what follows the length of a frame. Bytes may come from anywhere.
    package init(decoding bytes: [UInt8]) throws(FrameFault) {
        guard bytes.count >= Self.prefix else { throw FrameFault("a frame of \(bytes.count) bytes") }
        guard let kind = Kind(rawValue: bytes[0]) else { throw FrameFault("a frame of the unknown kind \(bytes[0])") }
        let length = Int(Self.word(bytes, at: 1))
        guard length <= bytes.count - Self.prefix else { throw FrameFault("a header that is longer than its frame") }
        self.kind = kind
        do {
            // With an input or a message of the largest size, and more.
            header = try Value(validatingAnySize: Array(bytes[Self.prefix..<Self.prefix + length]))
        } catch {
            throw FrameFault("a header that is no value: \(error)")
        }
        body = Array(bytes[(Self.prefix + length)...])
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }

    /// The word at a place of which there are four bytes.
    static func word(_ bytes: [UInt8], at place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
    }
}

/// What is wrong with what came over the socket; whoever sent it is not listened to any more.
package struct FrameFault: Error, Equatable, CustomStringConvertible {
    package var description: String
    /// Whoever reads lacks the memory; who wrote is not guilty of that.
    package var isOfReader = false

    package init(_ description: String, isOfReader: Bool = false) {
        self.description = description
        self.isOfReader = isOfReader
    }
}
