internal import Foundation

extension String {
    /// Whether its letters are composed as far as Unicode composes them (NFC), so that no other text of that form looks the same.
    var isComposed: Bool {
        // Nothing below U+0300 composes with anything.
        if unicodeScalars.allSatisfy({ $0.value < 0x300 }) { return true }
        return hasSameBytes(as: precomposedStringWithCanonicalMapping)
    }

    /// Whether a text is the same byte by byte; `==` takes an `é` of one character for one of two.
    package func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
