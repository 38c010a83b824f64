import Foundation
import Platform

/// A folder of its own for a test, which goes with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/aikit-host-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let real = realpath(made, nil) else { throw CannotMake(number: errno) }
        defer { free(real) }
        path = String(cString: real)
    }

    struct CannotMake: Error { let number: Int32 }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o644) -> String {
        let file = path + "/" + name
        if let stream = fopen(file, "wb") {
            fputs(text, stream)
            fclose(stream)
        }
        chmod(file, mode)
        return file
    }

    /// The text of a file; nil where there is none.
    func read(_ name: String) -> String? {
        guard let stream = fopen(path + "/" + name, "rb") else { return nil }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        while true {
            let byte = fgetc(stream)
            if byte == EOF { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
    }
}
