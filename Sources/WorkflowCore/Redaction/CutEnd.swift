/// The beginning of a secret that is left at the end of a text which was cut within the secret.
package enum CutEnd {
    /// What stands behind a text that was cut.
    private static let marks = ["… [cut off]", "…"].map { Array($0.utf8) }

    /// Where a text ends but for a mark of the cut.
    static func end(of text: [UInt8]) -> Int {
        text.count - (marks.first { text.suffix($0.count).elementsEqual($0) }?.count ?? 0)
    }

    /// Where a text ends with a beginning of a secret, the longest one there is; nil where there is none. A mark of the cut may
    /// stand behind it.
    ///
    /// - Parameter least: so many bytes of a secret give it away; fewer are ordinary text.
    package static func range(of secret: [UInt8], in text: [UInt8], least: Int) -> Range<Int>? {
        let end = end(of: text)
        let most = min(secret.count - 1, end)
        guard most >= least else { return nil }
        for count in stride(from: most, through: least, by: -1)
        where text[(end - count)..<end].elementsEqual(secret[..<count]) { return (end - count)..<end }
        return nil
    }
}
