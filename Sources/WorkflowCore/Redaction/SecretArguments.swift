package import FlatValue
internal import JSONSchema

/// What is secret in the arguments of a tool, which a model names before the tool gets them, or in what a tool gives.
package struct SecretArguments: Sendable {
    package let tool: String
    private let schema: Schema

    /// Reads `{ name, schema }`; nil where nothing is secret. All is where the schema cannot be read.
    package init?(_ value: Value) {
        guard let tool = value["name"]?.string, let document = value["schema"] else { return nil }
        self.init(tool: tool, document)
    }

    /// - Parameter document: the schema; nil where nothing in it is secret.
    init?(tool: String, _ document: Value) {
        guard let schema = Self.schema(document) else { return nil }
        self.tool = tool
        self.schema = schema
    }

    /// What is secret in a result; JSON text is read, and is secret as a whole where it cannot be.
    package func secrets(in given: Value) -> [Value] {
        guard let text = given.string else { return schema.secrets(in: given) }
        guard let value = (try? Value(wholeJSON: text)) ?? Value(brokenJSON: text) else { return [given] }
        return schema.secrets(in: value)
    }

    /// What is secret in the arguments that a model names, which may be JSON text, also as a text within that, and under names that differ
    /// in case and separators. Arguments that do not fit their schema and have none of the secrets in their places count as a whole.
    package func secrets(inArguments given: Value) -> [Value] {
        var value = given
        for _ in 0..<3 {
            guard let text = value.string else { break }
            guard let read = (try? Value(wholeJSON: text)) ?? Value(brokenJSON: text) else { return [given] }
            value = read
        }
        let found = schema.secrets(in: value, foldingNames: true)
        if !found.isEmpty { return found }
        if case .valid = schema.validate(value) { return [] }
        return [value]
    }

    /// A schema that calls something secret; nil for any other.
    static func schema(_ document: Value) -> Schema? {
        guard document.json.contains("writeOnly") else { return nil }
        let schema = (try? Schema(document)) ?? (try? Schema(["writeOnly": true]))
        return schema?.hasSecrets == true ? schema : nil
    }
}
