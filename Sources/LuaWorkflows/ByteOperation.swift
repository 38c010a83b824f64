internal import Crypto
internal import FlatValue

/// What scripts have done to a string of any bytes: text of it, the bytes of text, a digest.
///
/// The work goes piece by piece, and stops between two of them once the code that asked for it is to stop.
struct ByteOperation {
    enum Outcome: Equatable {
        /// The answer has been written.
        case done
        /// There is no such operation.
        case unknown
        /// The code that asked is to stop; nothing has been written.
        case stopped
    }

    /// Whole groups of base64 in either direction, and whole pairs of hexadecimal digits: less than ten milliseconds of work.
    private static let piece = 3 << 18

    let bytes: UnsafeRawBufferPointer
    /// Whether the code that asked may go on.
    let mayContinue: () -> Bool

    /// - Parameter bytes: what the operation is done to; must outlive it.
    init(_ bytes: UnsafeRawBufferPointer?, mayContinue: @escaping () -> Bool) {
        self.bytes = bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.mayContinue = mayContinue
    }

    /// Carries out an operation such as `hex.encode` or `digest.sha256`, and writes a string, or null where the text is none of
    /// that form.
    func perform(_ name: String, into response: inout ByteArena) -> Outcome {
        switch name {
        case "base64.encode": encode(BytesText.base64Length, BytesText.fillBase64, &response)
        case "base64url.encode": encode(BytesText.base64URLLength, BytesText.fillBase64URL, &response)
        case "hex.encode": encode({ $0 * 2 }, BytesText.fillHex, &response)
        case "base64.decode": decodeBase64(&response)
        case "hex.decode": decodeHex(&response)
        case "digest.sha256": digest(SHA256(), &response)
        case "digest.sha384": digest(SHA384(), &response)
        case "digest.sha512": digest(SHA512(), &response)
        case "digest.sha1": digest(Insecure.SHA1(), &response)
        case "digest.md5": digest(Insecure.MD5(), &response)
        default: .unknown
        }
    }

    /// - Returns: whether all pieces were taken; `body` ends the work by false.
    private func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Bool) -> Outcome {
        var start = 0
        while start < bytes.count {
            guard mayContinue() else { return .stopped }
            let end = min(start + Self.piece, bytes.count)
            guard body(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else { break }
            start = end
        }
        return .done
    }

    /// - Parameters:
    ///   - length: how long the text of so many bytes is.
    ///   - fill: writes the text of a piece.
    private func encode(
        _ length: (Int) -> Int, _ fill: (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Void,
        _ response: inout ByteArena
    ) -> Outcome {
        let (start, whole) = (response.count, length(bytes.count))
        response.append(ValueTag.string.rawValue)
        response.append(word: UInt32(clamping: whole))
        response.reserve(whole)
        let outcome = forEachPiece { piece in
            guard let base = response.base else { return false }
            let text = UnsafeMutableRawBufferPointer(start: base + response.count, count: length(piece.count))
            fill(text, piece)
            response.count += text.count
            return true
        }
        if outcome != .done { response.count = start }
        return outcome
    }

    private func decodeBase64(_ response: inout ByteArena) -> Outcome {
        var decoder = BytesText.Base64Decoder()
        return decode(bytes.count / 4 * 3 + 3, &response) { piece, decoded in
            guard let piece else { return decoder.finish(into: &decoded) }
            return decoder.decode(piece, into: &decoded)
        }
    }

    private func decodeHex(_ response: inout ByteArena) -> Outcome {
        decode(bytes.count / 2, &response) { piece, decoded in
            piece.map { BytesText.decode(hex: $0, into: &decoded) } ?? true
        }
    }

    /// - Parameter body: reads a piece, or the end as nil; false where the text is none of the form.
    private func decode(
        _ capacity: Int, _ response: inout ByteArena, _ body: (UnsafeRawBufferPointer?, inout [UInt8]) -> Bool
    ) -> Outcome {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(capacity)
        var isValid = true
        let outcome = forEachPiece { piece in
            isValid = body(piece, &decoded)
            return isValid
        }
        guard outcome == .done else { return outcome }
        if isValid, body(nil, &decoded) {
            decoded.withUnsafeBytes { response.writeString($0) }
        } else {
            response.writeNull()
        }
        return .done
    }

    private func digest(_ function: some HashFunction, _ response: inout ByteArena) -> Outcome {
        var function = function
        let outcome = forEachPiece { piece in
            function.update(bufferPointer: piece)
            return true
        }
        if outcome == .done { Array(function.finalize()).withUnsafeBytes { response.writeString($0) } }
        return outcome
    }
}
