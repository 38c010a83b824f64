internal import FlatValue
internal import WorkflowCore

/// A value that an option gives: JSON as it is, `@FILE`, or `-` for standard input.
enum JSONArgument {
    /// Reads the value of an option, or says what is wrong with it and where.
    static func read(_ text: String, option: String) throws(UsageError) -> Value {
        let source: String
        let bytes: [UInt8]
        if text == "-" {
            source = "standard input"
            bytes = try contents(FileText.read(descriptor: 0, limit: Value.maximumByteCount), of: source, option)
        } else if text.hasPrefix("@") {
            source = String(text.dropFirst())
            guard !source.isEmpty else { throw UsageError("\(option) names no file behind the @") }
            bytes = try contents(
                FileText.read(source, limit: Value.maximumByteCount, takesStreams: true), of: source, option)
        } else {
            source = ""
            bytes = Array(text.utf8)
        }
        do throws(JSONError) {
            return try Self.parse(bytes)
        } catch {
            var problem = Problem(
                "\(option) is not JSON: \(error.message)", code: "invalid_json", file: source.isEmpty ? option : source,
                line: error.line, column: error.column, excerpt: line(error.line, of: bytes))
            if source.isEmpty, text.contains(where: { $0 == "'" }) || !text.contains(where: { "{[\"".contains($0) }) {
                problem.notes.append(
                    "quote it for the shell: \(option) '{\"city\":\"Oslo\"}', or give a file: \(option) @input.json")
            }
            throw UsageError(problem)
        }
    }

    /// Reads the value of an option that takes an object.
    static func readObject(_ text: String, option: String) throws(UsageError) -> Value {
        let value = try read(text, option: option)
        guard value.tag == .object else { throw UsageError("\(option) takes an object, such as '{\"team\":\"ops\"}'") }
        return value
    }

    private static func parse(_ bytes: [UInt8]) throws(JSONError) -> Value {
        let result: Result<Value, JSONError> = bytes.withUnsafeBytes { buffer in
            do throws(JSONError) { return .success(try Value(json: buffer)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func contents(
        _ result: Result<[UInt8], FileText.Failure>, of source: String, _ option: String
    ) throws(UsageError) -> [UInt8] {
        switch result {
        case .success(let bytes): return bytes
        case .failure(let failure): throw UsageError("\(option) cannot read \(source): \(failure.message)")
        }
    }

    private static func line(_ number: Int, of bytes: [UInt8]) -> String? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.indices.contains(number - 1) ? String(decoding: lines[number - 1], as: UTF8.self) : nil
    }
}
