extension String {
    /// As many whole scalars of the beginning as fit a number of bytes of UTF-8, zero or more.
    package func beginning(utf8 limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
