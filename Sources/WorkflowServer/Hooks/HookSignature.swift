internal import Crypto
internal import Foundation
internal import WorkflowCore

extension Webhook.Signature {
    /// Whether a header holds the HMAC of a body.
    ///
    /// Codes are compared in constant time. What is no code at all is refused at once, which tells nothing of the secret.
    func admits(_ header: String?, body: [UInt8], secret: [UInt8]) -> Bool {
        guard let header, header.hasPrefix(prefix), let code = decode(header.dropFirst(prefix.count)) else { return false }
        let key = SymmetricKey(data: secret)
        return switch algorithm {
        case .sha1: HMAC<Insecure.SHA1>.isValidAuthenticationCode(code, authenticating: body, using: key)
        case .sha256: HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: body, using: key)
        case .sha384: HMAC<SHA384>.isValidAuthenticationCode(code, authenticating: body, using: key)
        case .sha512: HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: body, using: key)
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
