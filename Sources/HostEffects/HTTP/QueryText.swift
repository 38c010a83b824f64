package import FlatValue
internal import WorkflowCore

/// Writes the query of a URL: names in order, values percent-encoded, a list as one pair for each item.
package enum QueryText {
    /// The URL with the query behind the one that it has; a query that is text is taken as it is.
    package static func adding(_ query: Value?, to url: String) -> String {
        let pairs = (query?.entries ?? []).sorted { $0.key < $1.key }.flatMap { key, value in
            (value.array ?? [value]).map {
                BytesText.percentEncoded(Array(key.utf8)) + "=" + BytesText.percentEncoded(bytes($0))
            }
        }
        let added = query?.string ?? pairs.joined(separator: "&")
        guard !added.isEmpty else { return url }
        let end = url.firstPlace(of: "#") ?? url.endIndex
        let base = url[..<end]
        let separator = !base.has(byte: "?") ? "?" : base.ends(with: "?") || base.ends(with: "&") ? "" : "&"
        return base + separator + added + url[end...]
    }

    private static func bytes(_ value: Value) -> [UInt8] {
        value.withCursor { $0.stringBytes.map(Array.init) } ?? Array(value.json.utf8)
    }
}
