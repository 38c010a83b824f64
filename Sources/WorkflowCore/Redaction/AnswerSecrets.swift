package import FlatValue
internal import JSONSchema

/// What is secret in the answers of a model: in the answer itself, and in the arguments of the tools that it calls.
package struct AnswerSecrets: Sendable {
    /// Of the answer; nil where nothing in it is secret.
    private let answer: Schema?
    /// Whether the answer stands under `value` of what the model writes.
    private let isWrapped: Bool
    private let tools: [SecretArguments]

    /// Reads `{ answer?, wraps?, tools? }`, with `{ name, schema }` of each tool; nil where nothing is secret.
    package init?(_ value: Value) {
        answer = value["answer"].flatMap(SecretArguments.schema)
        isWrapped = value["wraps"]?.bool ?? false
        tools = (value["tools"]?.array ?? []).compactMap { SecretArguments($0) }
        if answer == nil, tools.isEmpty { return nil }
    }

    /// What is secret in a message of the model, `{ content?, tool_calls? }`.
    ///
    /// An answer that does not fit its schema and has none of the secrets in their places counts as secret as a whole.
    package func secrets(in message: Value) -> [Value] {
        let calls = message["tool_calls"]?.array ?? []
        var found: [Value] = []
        for call in calls {
            for tool in tools where tool.tool == call["name"]?.string {
                found += call["arguments"].map { tool.secrets(inArguments: $0) } ?? []
            }
        }
        if let answer, let text = message["content"]?.string, !text.isEmpty {
            // What is said beside calls of tools is no answer yet, but it may look like one.
            found += calls.isEmpty ? secrets(inAnswer: text, answer) : secrets(beside: text, answer)
        }
        return found.flatMap(Self.withoutSpaces)
    }

    /// What is secret in an answer as it was read and checked.
    package func secrets(inValue value: Value) -> [Value] { answer?.secrets(in: value) ?? [] }

    private func secrets(beside text: String, _ schema: Schema) -> [Value] {
        guard let value = Self.json(in: text) else { return [] }
        return schema.secrets(in: (isWrapped ? value["value"] : nil) ?? value, foldingNames: true)
    }

    private func secrets(inAnswer text: String, _ schema: Schema) -> [Value] {
        guard var value = Self.json(in: text) else { return [Value(text)] }
        if isWrapped, let inner = value["value"] { value = inner }
        let found = schema.secrets(in: value, foldingNames: true)
        if !found.isEmpty { return found }
        if case .valid = schema.validate(value) { return [] }
        return [value]
    }

    /// The JSON in a text: the whole of it, what stands in a block of code, from its first brace to its last, or as far as one goes
    /// that was cut off.
    private static func json(in text: String) -> Value? {
        if let value = try? Value(wholeJSON: text) { return value }
        let fences = text.ranges(of: "```")
        if fences.count > 1 {
            let block = text[fences[0].upperBound..<fences[1].lowerBound].drop { $0.isLetter || $0.isNumber }
            if let value = try? Value(wholeJSON: String(block)) { return value }
        }
        guard let first = text.firstIndex(where: { $0 == "{" || $0 == "[" }) else { return nil }
        if let last = text.lastIndex(where: { $0 == "}" || $0 == "]" }), last > first,
            let value = try? Value(wholeJSON: String(text[first...last]))
        {
            return value
        }
        return Value(brokenJSON: String(text[first...]))
    }

    /// A secret, and what is left of it where a schema trims it.
    private static func withoutSpaces(_ secret: Value) -> [Value] {
        guard let text = secret.string, text.first?.isWhitespace == true || text.last?.isWhitespace == true else {
            return [secret]
        }
        let end = text.lastIndex { !$0.isWhitespace }
        return [secret] + (end.map { [Value(String(text[...$0].drop(while: \.isWhitespace)))] } ?? [])
    }
}
