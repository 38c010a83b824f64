internal import HTTPTypes

// swift-format-ignore: NeverForceUnwrap
// Literals that are tokens.
extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let traceparent = HTTPField.Name("traceparent")!
    static let requestID = HTTPField.Name("X-Request-ID")!
    static let csrfProtection = HTTPField.Name("X-CSRF-Protection")!
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let mcpSession = HTTPField.Name("Mcp-Session-Id")!
    static let mcpVersion = HTTPField.Name("MCP-Protocol-Version")!
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

extension String {
    /// The text as one part of a path.
    var percentEscaped: String {
        var result = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
