internal import FlatValue
internal import Platform
internal import WorkflowCore

/// Reads secrets as text: a JSON object of texts, or lines `NAME=value`.
///
/// Of the lines, blank ones and those that begin with `#` are passed over, `export ` may stand before a name, and quotes
/// around a value are taken off.
enum SecretsReader {
    private static let sizeLimit = 1 << 20

    /// Reads a regular file that only its owner, who runs this process, may read or write.
    static func read(file path: String) throws(SecretFailure) -> [String: String] {
        func refusal(_ why: String) -> SecretFailure { SecretFailure("secret_source", "--secrets \(path): \(why)") }
        // Without O_NONBLOCK opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw refusal(SystemError(errno).message) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw refusal(SystemError(errno).message) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw refusal("it is no regular file") }
        guard info.st_uid == geteuid() else { throw refusal("it belongs to another user") }
        guard info.st_mode & 0o077 == 0 else {
            throw refusal("others may read or write it; make it yours alone with chmod 600")
        }
        guard let bytes = Descriptor.readAll(descriptor, limit: sizeLimit) else {
            throw refusal("it is larger than 1 MiB or cannot be read")
        }
        return try parse(bytes, source: "--secrets \(path)")
    }

    /// Runs a command and reads what it prints.
    static func read(command: String) throws(SecretFailure) -> [String: String] {
        func refusal(_ why: String) -> SecretFailure { SecretFailure("secret_source", "--secrets-command \(why)") }
        let result: (status: Int32, output: [UInt8]?)
        do throws(SystemError) {
            result = try Spawn.output(ofShell: command, limit: sizeLimit)
        } catch {
            throw refusal("cannot be run: \(error.message)")
        }
        guard let output = result.output else { throw refusal("printed more than 1 MiB") }
        guard result.status == 0 else { throw refusal("ended with status \(result.status)") }
        return try parse(output, source: "--secrets-command")
    }

    static func parse(_ bytes: [UInt8], source: String) throws(SecretFailure) -> [String: String] {
        let text = String(decoding: bytes, as: UTF8.self)
        var values: [String: String] = [:]
        func add(_ name: String, _ value: String, _ place: String) throws(SecretFailure) {
            guard isName(name) else {
                throw SecretFailure("secret_source", "\(source)\(place): a name has letters, digits and _ . - / only")
            }
            guard value.utf8.count >= Redactor.shortestValue else {
                throw SecretFailure(
                    "secret_source", "\(source)\(place): the value of \(name) is shorter than 4 bytes, no secret")
            }
            values[name] = value
        }
        if text.first(where: { !$0.isWhitespace }) == "{" {
            guard let entries = (try? Value(json: text))?.entries else {
                throw SecretFailure("secret_source", "\(source): it is no JSON object")
            }
            for (name, value) in entries {
                guard let value = value.string else {
                    throw SecretFailure("secret_source", "\(source): the value of \(name) is no text")
                }
                try add(name, value, "")
            }
            return values
        }
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var rest = trimmed(line)
            if rest.isEmpty || rest.begins(with: "#") { continue }
            if let name = rest.rest(after: "export ") { rest = trimmed(name) }
            guard let equals = rest.firstPlace(of: "=") else {
                throw SecretFailure("secret_source", "\(source):\(index + 1): a line is NAME=value")
            }
            var value = trimmed(rest[rest.utf8.index(after: equals)...])
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
                value = value.dropFirst().dropLast()
            }
            try add(String(trimmed(rest[..<equals])), String(value), ":\(index + 1)")
        }
        return values
    }

    /// Whether a text may name a secret.
    static func isName(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_.-/".utf8.contains(byte)
                }
            }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
