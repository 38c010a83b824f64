internal import CZlib

/// Undoes gzip (RFC 1952) and zlib (RFC 1950), piece by piece. One thread at a time.
///
/// ```swift
/// inflater.feed(bytes)
/// while let piece = try inflater.next() { … }     // as often as more has come
/// try inflater.finish()
/// ```
package final class Inflater {
    package enum Fault: Error {
        /// What came is not packed so, or is not whole.
        case damaged
        case noMemory
    }

    /// The most bytes of a piece.
    package static let pieceSize = 64 << 10

    /// zlib keeps the address.
    private let stream: UnsafeMutablePointer<z_stream>
    private let hasMembers: Bool
    private var input: [UInt8] = []
    /// How much of the input has been taken.
    private var taken = 0
    private var state = State.empty

    private enum State {
        /// Nothing has come.
        case empty
        /// In the middle; whether zlib may hold output for which there was no room.
        case within(mayHaveMore: Bool)
        /// At an end, behind which another member may come.
        case whole
    }

    /// - Parameter hasMembers: whether several may follow on each other, as those of gzip may.
    package init(hasMembers: Bool) throws(Fault) {
        self.hasMembers = hasMembers
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard aikit_inflate_begin(stream) == Z_OK else { throw .noMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Adds what has come; to be called once ``next()`` has given nil.
    package func feed(_ bytes: [UInt8]) {
        input = bytes
        taken = 0
    }

    /// The next piece of the text, not empty; nil when more has to come first.
    package func next() throws(Fault) -> [UInt8]? {
        while true {
            switch state {
            case .within(mayHaveMore: true): break
            case .empty, .within:
                if taken == input.count { return nil }
            case .whole:
                if taken == input.count { return nil }
                guard hasMembers, inflateReset(stream) == Z_OK else { throw .damaged }
            }
            let piece = try inflatePiece()
            if !piece.isEmpty { return piece }
        }
    }

    /// What the input gives up to the size of a piece; maybe nothing.
    private func inflatePiece() throws(Fault) -> [UInt8] {
        var result = Z_OK
        let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { target, count in
            input.withUnsafeMutableBufferPointer { source in
                let rest = min(source.count - taken, Int(UInt32.max))
                stream.pointee.next_in = source.baseAddress.map { $0 + taken }
                stream.pointee.avail_in = UInt32(rest)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(Self.pieceSize)
                result = inflate(stream, Z_NO_FLUSH)
                taken += rest - Int(stream.pointee.avail_in)
                count = Self.pieceSize - Int(stream.pointee.avail_out)
            }
        }
        switch result {
        case Z_STREAM_END: state = .whole
        case Z_OK: state = .within(mayHaveMore: piece.count == Self.pieceSize)
        // There was nothing to do: all that came is in.
        case Z_BUF_ERROR: state = .within(mayHaveMore: false)
        case Z_MEM_ERROR: throw .noMemory
        default: throw .damaged
        }
        return piece
    }

    /// Called when nothing more comes.
    ///
    /// - Throws: where there should have been more. Nothing at all is whole.
    package func finish() throws(Fault) {
        if case .within = state { throw .damaged }
    }
}
