internal import FlatValue

/// The keys and items of one instance that schemas have looked at, for `unevaluatedProperties` and `unevaluatedItems`.
struct EvaluatedParts {
    var keys: Set<ByteText> = []
    var hasAllKeys = false
    /// The items before this one.
    var itemCount = 0
    var items: Set<Int> = []

    func contains(item index: Int) -> Bool { index < itemCount || items.contains(index) }
    func contains(key: String) -> Bool { hasAllKeys || keys.contains(ByteText(key)) }

    mutating func merge(_ other: EvaluatedParts) {
        keys.formUnion(other.keys)
        hasAllKeys = hasAllKeys || other.hasAllKeys
        itemCount = max(itemCount, other.itemCount)
        items.formUnion(other.items)
    }
}
