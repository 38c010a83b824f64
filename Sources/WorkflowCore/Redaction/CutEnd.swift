/// The end of a text that may have been cut.
enum CutEnd {
    /// What stands behind a text that was cut.
    private static let marks = ["… [cut off]", "…"].map { Array($0.utf8) }

    /// Where a text ends but for a mark of the cut.
    static func end(of text: UnsafeBufferPointer<UInt8>) -> Int {
        text.count - (marks.first { text.suffix($0.count).elementsEqual($0) }?.count ?? 0)
    }
}
