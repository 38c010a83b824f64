/// Why a document is not a usable JSON Schema, and where in it.
public struct SchemaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The document's URI; empty for the schema that was given.
    public let document: String
    /// A JSON pointer into the document; empty for its root.
    public let pointer: String
    public let message: String

    public init(document: String = "", pointer: String, message: String) {
        self.document = document
        self.pointer = pointer
        self.message = message
    }

    public var description: String { "\(document)#\(pointer): \(message)" }
}
