internal import CDashboard
internal import Compression
internal import Crypto
internal import FlatValue
internal import NIOCore

/// A file of the dashboard as it is served.
struct DashboardFile: Sendable {
    var body: ByteBuffer
    /// The body as gzip; nil where that is no smaller.
    var packed: ByteBuffer?
    var type: String
    /// Of the contents, without quotes.
    var tag: String

    /// All files by their names.
    static let all: [String: DashboardFile] = {
        var files: [String: DashboardFile] = [:]
        var index = 0
        while let file = dashboard_at(index)?.pointee {
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.length)
            let name = String(cString: file.name)
            let hash = BytesText.hex(SHA256.hash(data: bytes).prefix(12))
            let packed = gzip(Array(bytes)).flatMap { $0.count < bytes.count ? ByteBuffer(bytes: $0) : nil }
            files[name] = DashboardFile(
                body: ByteBuffer(bytes: bytes), packed: packed, type: type(of: name), tag: hash)
            index += 1
        }
        return files
    }()

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}
