internal import Crypto
internal import WorkflowCore

/// The 16 bytes that all spans of a run share.
public struct TraceID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// The trace of a run: the first 16 bytes of SHA-256 of the run's id.
    public init(run: String) { (high, low) = digest([run]) }

    /// Reads 32 lower-case hexadecimal digits that are not all zero, as W3C's trace context has them; nil for other text.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 32, let high = UInt64(hex: hex.prefix(16)), let low = UInt64(hex: hex.suffix(16)),
            high != 0 || low != 0
        else { return nil }
        (self.high, self.low) = (high, low)
    }

    public var hex: String { high.hex + low.hex }
}

/// The 8 bytes that tell one span of a trace from the others.
public struct SpanID: Sendable, Hashable {
    let bits: UInt64

    /// The first 8 bytes of SHA-256 of the run's id, the path, the attempt and the occurrence, each as text with a zero
    /// byte between them; the part of a span that goes on in a later stretch of the run has the stretch's number behind them.
    ///
    /// The run's own span has the path `""` and the attempt 1, and its stretch for an occurrence.
    public init(run: String, path: String, attempt: Int, occurrence: Int, stretch: Int? = nil) {
        bits =
            digest(
                SpanPlace.parts(run: run, path: path, attempt: attempt, occurrence: occurrence, stretch: stretch)
            ).0
    }

    /// A span that was made within a step, by its number among them.
    init(parent: SpanID, index: Int) { bits = digest([parent.hex, String(index)]).0 }

    /// An id that has to be known before the journal has what it belongs to; the journal keeps it then.
    static var random: SpanID { SpanID(bits: .random(in: 1 ... .max)) }

    private init(bits: UInt64) { self.bits = bits }

    /// Reads 16 lower-case hexadecimal digits that are not all zero; nil for other text.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 16, let bits = UInt64(hex: hex), bits != 0 else { return nil }
        self.bits = bits
    }

    public var hex: String { bits.hex }
}

/// The first two big-endian words of SHA-256 of texts with a zero byte between them.
private func digest(_ parts: [String]) -> (UInt64, UInt64) {
    var hash = SHA256()
    for (index, part) in parts.enumerated() {
        if index > 0 { hash.update(data: [0]) }
        var part = part
        part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }
    return hash.finalize().withUnsafeBytes { bytes in
        (
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }
}

extension UInt64 {
    fileprivate init?(hex: some StringProtocol) {
        guard hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
        self.init(hex, radix: 16)
    }

    fileprivate var hex: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
