public import FlatValue

/// A JSON Schema (draft 2020-12), compiled once and then used from any thread.
///
/// Validation walks the flat value in place. What is valid as it stands costs no allocation; a value is rewritten only where
/// the schema asks for it: unmarked empty tables become `[]` or `{}`, integral doubles become integers where the schema says
/// `integer`, and schemas of the script's library (`x-aikit`) strip keys, fill defaults, convert and transform.
///
/// ```swift
/// let schema = try Schema(Value(json: #"{"type":"object","required":["city"]}"#))
/// switch schema.validate(value) { … }
/// ```
public final class Schema: Sendable {
    /// How a document is read.
    public struct Options: Sendable {
        /// The documents that references may name.
        public var registry = SchemaRegistry()
        /// Whether `format` refuses; otherwise only schemas of the script's library assert their formats.
        public var assertsFormats = false
        /// Where the document is from, which its references are relative to.
        public var uri = ""
        /// Whether the order of keys, in the document and in values, is that of somebody who wrote them.
        ///
        /// Tables of Lua have none that lasts; issues are told in the order of their paths then, instead of as they come up.
        public var keepsKeyOrder = true

        public init(registry: SchemaRegistry = SchemaRegistry(), assertsFormats: Bool = false, uri: String = "") {
            self.registry = registry
            self.assertsFormats = assertsFormats
            self.uri = uri
        }
    }

    /// The document that the schema was made from.
    public let document: Value
    let keepsKeyOrder: Bool
    let graph: SchemaGraph
    let program: CheckProgram
    /// Whether it calls some part secret (`writeOnly`).
    package let hasSecrets: Bool

    public init(_ document: Value, options: Options = Options()) throws(SchemaError) {
        self.document = document
        keepsKeyOrder = options.keepsKeyOrder
        graph = try SchemaCompiler.compile(document, options: options)
        program = CheckProgram(graph)
        hasSecrets = graph.nodes.contains { $0.rules.isSecret }
    }

    /// Reads a schema from JSON text.
    public convenience init(json: String, options: Options = Options()) throws(SchemaError) {
        let document: Value
        do throws(JSONError) {
            document = try Value(json: json)
        } catch {
            throw SchemaError(pointer: "", message: "the schema is not JSON: \(error.description)")
        }
        try self.init(document, options: options)
    }
}
