/// Where a schema stands in its document, as a chain of tokens: its text, which grows with the names of every level, is made
/// for errors and issues only.
final class SchemaPointer: Sendable {
    private let parent: SchemaPointer?
    private let token: String

    /// The root of a document.
    static let root = SchemaPointer()

    private init() {
        parent = nil
        token = ""
    }

    private init(parent: SchemaPointer, token: String) {
        self.parent = parent
        self.token = token
    }

    func appending(_ token: String) -> SchemaPointer { SchemaPointer(parent: self, token: token) }

    /// The JSON pointer (RFC 6901); empty for the root.
    var text: String {
        var tokens: [String] = []
        var place = self
        while let parent = place.parent {
            tokens.append(place.token)
            place = parent
        }
        return tokens.reversed().reduce(into: "") { $0 += "/" + JSONPointer.escape($1) }
    }
}
