internal import Crypto
internal import FlatValue
internal import Foundation
internal import WorkflowCore

extension Webhook.Signature {
    /// What a signed request is known by, the same for each copy of it.
    struct Proof: Equatable {
        /// Of all that is signed, in hexadecimal digits.
        var digest: String
        /// A copy of the request fits for a while only, so whoever signs twice means two requests.
        var isUnique: Bool
    }

    /// Codes of one request that are looked at: a sender that changes its secret signs with both.
    private static let mostCodes = 8

    /// Looks whether a request has the HMAC of its body.
    ///
    /// Codes are compared in constant time. What is no code at all, and a time that is none of now, is refused at once, which
    /// tells nothing of the secret.
    ///
    /// - Parameters:
    ///   - header: gives the value of a header by its name in lower case.
    ///   - now: in microseconds since 1970.
    /// - Returns: nil where the holder of the secret has not signed the request, or not now.
    func proof(_ header: (String) -> String?, body: [UInt8], secret: [UInt8], at now: Int64) -> Proof? {
        guard let signature = header(self.header) else { return nil }
        var time = ""
        if let moment {
            guard let given = self.time(moment.source, signature, header), let seconds = Int64(given),
                given.utf8.count <= 12, given.utf8.allSatisfy({ (48...57).contains($0) }),
                abs(seconds * 1_000_000 - now) <= moment.tolerance
            else { return nil }
            time = given
        }
        var signed: [UInt8] = []
        for part in content {
            switch part {
            case .text(let text): signed += text.utf8
            case .timestamp: signed += time.utf8
            case .body: signed += body
            case .header(let name):
                guard let value = header(name) else { return nil }
                signed += value.utf8
            }
        }
        var isValid = false
        for code in codes(in: signature) where admits(code, signed, secret) { isValid = true }
        guard isValid else { return nil }
        let digest = BytesText.hex(SHA256.hash(data: signed))
        return Proof(digest: digest, isUnique: moment != nil)
    }

    /// The time that a request was signed at, as it says it.
    private func time(_ source: Source, _ signature: String, _ header: (String) -> String?) -> String? {
        switch source {
        case .header(let name): header(name)
        case .part(let start):
            signature.split { $0 == "," || $0 == " " }.first { $0.hasPrefix(start) }.map {
                String($0.dropFirst(start.count))
            }
        }
    }

    /// The codes in a header: the whole of it, or where the time of the signature is signed too, each part.
    private func codes(in signature: String) -> [[UInt8]] {
        guard moment != nil else {
            return signature.hasPrefix(prefix) ? [decode(signature.dropFirst(prefix.count))].compactMap { $0 } : []
        }
        let separators: Set<Character> = prefix.contains(",") ? [" "] : [",", " "]
        return signature.split { separators.contains($0) }.filter { $0.hasPrefix(prefix) }.prefix(Self.mostCodes)
            .compactMap { decode($0.dropFirst(prefix.count)) }
    }

    private func admits(_ code: [UInt8], _ signed: [UInt8], _ secret: [UInt8]) -> Bool {
        let key = SymmetricKey(data: secret)
        return switch algorithm {
        case .sha1: HMAC<Insecure.SHA1>.isValidAuthenticationCode(code, authenticating: signed, using: key)
        case .sha256: HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: key)
        case .sha384: HMAC<SHA384>.isValidAuthenticationCode(code, authenticating: signed, using: key)
        case .sha512: HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: signed, using: key)
        }
    }

    private func decode(_ text: Substring) -> [UInt8]? {
        switch encoding {
        case .hex: Self.bytes(hex: text)
        case .base64: Data(base64Encoded: String(text)).map { [UInt8]($0) }
        }
    }

    private static func bytes(hex text: Substring) -> [UInt8]? {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
