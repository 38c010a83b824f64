package import FlatValue
package import JSONSchema

/// What is secret in the arguments of a tool, which a model names before the tool gets them.
package struct SecretArguments: Sendable {
    package let tool: String
    /// Of the arguments.
    package let schema: Schema

    /// Reads `{ name, schema }`; nil where nothing is secret. All of the arguments are where their schema cannot be read.
    init?(_ value: Value) {
        guard let tool = value["name"]?.string, let document = value["schema"] else { return nil }
        self.tool = tool
        guard let schema = try? Schema(document) ?? Schema(["writeOnly": true]) else { return nil }
        self.schema = schema
        if !schema.hasSecrets { return nil }
    }
}
