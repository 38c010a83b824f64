internal import FlatValue
internal import WorkflowCore

/// Answers that a test gives to requests of one kind.
struct HTTPStub {
    enum Answers {
        /// Always the same.
        case always(Value)
        /// One after the other; a request too many has none.
        case inOrder([Value])
        /// A function of the test, by its slot.
        case function(Int64)
    }

    /// `METHOD URL`: the method may be `*`, and a `*` in the URL stands for anything. Without a `?` the query does not count.
    let key: String
    var answers: Answers

    /// Reads `{ key, answer | answers | slot }`.
    init(_ value: Value) {
        key = value["key"]?.string ?? ""
        if let slot = value["slot"]?.int {
            answers = .function(slot)
        } else if let list = value["answers"]?.array {
            answers = .inOrder(list)
        } else {
            answers = .always(value["answer"] ?? .null)
        }
    }

    /// How well the key fits a request; nil when it does not. A whole URL counts more than one with `*`.
    func fit(method: String, url: String) -> Int? {
        let parts = key.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0] == "*" || parts[0] == method else { return nil }
        let pattern = String(parts[1])
        let target = pattern.contains("?") ? url : String(url.prefix { $0 != "?" && $0 != "#" })
        if pattern == target { return Int.max - (pattern == url ? 0 : 1) }
        guard pattern.contains("*"), Self.matches(Array(pattern.utf8)[...], Array(target.utf8)[...]) else { return nil }
        return pattern.utf8.count
    }

    /// Whether a text fits a pattern in which `*` stands for any part.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern, text = text
        // Where to go on when what follows the last star does not fit: one byte later.
        var retry: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>)?
        while true {
            if let wanted = pattern.first, wanted == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, text)
            } else if let wanted = pattern.first, let byte = text.first, wanted == byte {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if pattern.isEmpty, text.isEmpty {
                return true
            } else if let last = retry, !last.text.isEmpty {
                retry = (last.pattern, last.text.dropFirst())
                (pattern, text) = (last.pattern, last.text.dropFirst())
            } else {
                return false
            }
        }
    }
}
