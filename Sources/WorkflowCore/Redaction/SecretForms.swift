/// Texts, such as the forms in which secrets may stand, that are looked for in other ones all at once: the time goes by the length of
/// what is looked through, and hardly by how many there are.
struct SecretForms: Sendable {
    /// So much of the beginning of a secret gives it away, at the end of a text that was cut there. Shorter secrets are taken out
    /// where they are words: as parts of words, numbers and ids they turn up by chance.
    static let tellingBytes = 6

    /// In the order of their bytes, and whether each is taken out only where it is a word.
    private let forms: [(bytes: [UInt8], isWord: Bool)]
    /// The longest other form with which each one begins; -1 for none.
    private let beginnings: [Int32]
    private let longest: Int
    /// Bits for the first bytes of forms: four of those that have as many, else two.
    private var fours: [UInt64]
    private var twos: [UInt64] = []

    /// - Parameter forms: of two bytes and more, each once.
    init(_ forms: [(bytes: [UInt8], isWord: Bool)]) {
        let forms = forms.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        self.forms = forms
        longest = forms.reduce(0) { max($0, $1.bytes.count) }
        var size = 64
        while size < 32 * forms.count, size < 1 << 22 { size *= 2 }
        fours = Array(repeating: 0, count: size / 64)
        var beginnings: [Int32] = []
        var open: [Int] = []
        for (index, form) in forms.enumerated() {
            while let last = open.last, !form.bytes.starts(with: forms[last].bytes) { open.removeLast() }
            beginnings.append(open.last.map { Int32($0) } ?? -1)
            open.append(index)
        }
        self.beginnings = beginnings
        for form in forms {
            form.bytes.withUnsafeBufferPointer { bytes in
                if bytes.count >= 4 {
                    Self.set(Self.hash(bytes, 0), in: &fours)
                } else {
                    if twos.isEmpty { twos = Array(repeating: 0, count: 1 << 10) }
                    Self.set(Self.pair(bytes, 0), in: &twos)
                }
            }
        }
    }

    /// Where forms stand in a text: the longest one at each place.
    func places(in text: [UInt8]) -> [Range<Int>] {
        if forms.isEmpty { return [] }
        return text.withUnsafeBufferPointer { text in
            var places: [Range<Int>] = []
            for index in text.indices.dropLast() where mayStand(text, at: index) {
                if let count = count(text, at: index) { places.append(index..<(index + count)) }
            }
            return places
        }
    }

    /// Where a text ends within a form, as far as that gives the form away; nil where it does not.
    ///
    /// - Parameter end: where the text ends but for a mark of the cut.
    func cut(_ text: [UInt8], end: Int) -> Int? {
        let first = max(0, end - (longest - 1))
        let last = end - Self.tellingBytes
        if first > last { return nil }
        return text.withUnsafeBufferPointer { text in
            (first...last).first { start in
                guard isSet(Self.hash(text, start), in: fours) else { return false }
                let rest = text[start..<end]
                let place = partition { $0.lexicographicallyPrecedes(rest) }
                return place < forms.count && forms[place].bytes.count > rest.count
                    && forms[place].bytes.starts(with: rest)
            }
        }
    }

    // MARK: Looking

    private func mayStand(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        if !twos.isEmpty, isSet(Self.pair(text, index), in: twos) { return true }
        return index + 4 <= text.count && isSet(Self.hash(text, index), in: fours)
    }

    /// Bytes of the longest form that stands at a place.
    private func count(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int? {
        let rest = text[index...]
        // What stands there is this one, or one with which it begins.
        var candidate = partition { !rest.lexicographicallyPrecedes($0) } - 1
        while candidate >= 0 {
            let form = forms[candidate]
            if rest.starts(with: form.bytes), !form.isWord || isWord(text, index, form.bytes.count) {
                return form.bytes.count
            }
            candidate = Int(beginnings[candidate])
        }
        return nil
    }

    private func isWord(_ text: UnsafeBufferPointer<UInt8>, _ index: Int, _ count: Int) -> Bool {
        let end = index + count
        return !(index > 0 && Self.isOfWord(text[index - 1]) || end < text.count && Self.isOfWord(text[end]))
    }

    /// How many of the forms come first, which are those of which something holds.
    private func partition(_ isFirst: ([UInt8]) -> Bool) -> Int {
        var (low, high) = (0, forms.count)
        while low < high {
            let middle = (low + high) / 2
            if isFirst(forms[middle].bytes) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: First bytes

    private static func pair(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        Int(text[index]) << 8 | Int(text[index + 1])
    }

    private static func hash(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        let word =
            UInt32(text[index]) | UInt32(text[index + 1]) << 8 | UInt32(text[index + 2]) << 16
            | UInt32(text[index + 3]) << 24
        return Int((word &* 0x9E37_79B1) >> 8)
    }

    private static func set(_ bit: Int, in bits: inout [UInt64]) {
        let bit = bit & (bits.count * 64 - 1)
        bits[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    private func isSet(_ bit: Int, in bits: [UInt64]) -> Bool {
        let bit = bit & (bits.count * 64 - 1)
        return bits[bit >> 6] & 1 << UInt64(bit & 63) != 0
    }

    /// A letter, a digit, or a part of either beyond ASCII.
    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }
}
