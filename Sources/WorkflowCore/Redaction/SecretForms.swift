/// Texts, such as the forms in which secrets may stand, that are looked for in other ones all at once: the time goes by the length of
/// what is looked through, and hardly by how many there are.
struct SecretForms: Sendable {
    struct Form: Sendable {
        var bytes: [UInt8]
        /// Whether it is looked for as a word alone.
        var isWord: Bool
        /// The number of what is shown in its place.
        var mark: Int
    }

    /// In the order of their bytes.
    private let forms: [Form]
    /// The longest other form with which each one begins; -1 for none.
    private let beginnings: [Int32]
    private let longest: Int
    /// Bits for the first bytes of forms: four of those that have as many, else two.
    private var fours: [UInt64]
    private var twos: [UInt64] = []

    /// - Parameter forms: of two bytes and more. Those that are alike are one, with the lowest mark, and a word if all are.
    init(_ given: [Form]) {
        var forms: [Form] = []
        forms.reserveCapacity(given.count)
        for form in given.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            if let last = forms.last, last.bytes == form.bytes {
                forms[forms.count - 1] = Form(
                    bytes: last.bytes, isWord: last.isWord && form.isWord, mark: min(last.mark, form.mark))
            } else {
                forms.append(form)
            }
        }
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

    /// Where forms stand in a text: the longest one at each place, with the number of its mark.
    func places(in text: UnsafeBufferPointer<UInt8>) -> [SecretPlace] {
        if forms.isEmpty { return [] }
        var places: [SecretPlace] = []
        for index in text.indices.dropLast() where mayStand(text, at: index) {
            if let form = form(text, at: index) {
                places.append(SecretPlace(range: index..<(index + form.bytes.count), mark: form.mark))
            }
        }
        return places
    }

    /// Whether a form stands in some bytes, as a word or not.
    func stand(in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !forms.isEmpty
            && bytes.indices.dropLast().contains { index in
                mayStand(bytes, at: index) && form(bytes, at: index, anywhere: true) != nil
            }
    }

    /// Where a text ends with the beginning of a form, the longest one there is; nil where it does not.
    ///
    /// - Parameters:
    ///   - end: where the text ends but for a mark of the cut.
    ///   - least: bytes of a beginning that count, 1 at least.
    func cut(_ text: UnsafeBufferPointer<UInt8>, end: Int, least: Int) -> SecretPlace? {
        let first = max(0, end - (longest - 1))
        let last = end - least
        if first > last { return nil }
        for start in first...last {
            if start + 4 <= end, !isSet(Self.hash(text, start), in: fours) { continue }
            let rest = text[start..<end]
            var place = partition { $0.lexicographicallyPrecedes(rest) }
            if place < forms.count, forms[place].bytes.count == rest.count { place += 1 }
            if place < forms.count, forms[place].bytes.starts(with: rest), forms[place].bytes.count > rest.count {
                return SecretPlace(range: start..<end, mark: forms[place].mark)
            }
        }
        return nil
    }

    // MARK: Looking

    private func mayStand(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        if !twos.isEmpty, isSet(Self.pair(text, index), in: twos) { return true }
        return index + 4 <= text.count && isSet(Self.hash(text, index), in: fours)
    }

    /// The longest form that stands at a place.
    ///
    /// - Parameter anywhere: whether words may stand within others.
    private func form(_ text: UnsafeBufferPointer<UInt8>, at index: Int, anywhere: Bool = false) -> Form? {
        let rest = text[index...]
        // What stands there is this one, or one with which it begins.
        var candidate = partition { !rest.lexicographicallyPrecedes($0) } - 1
        while candidate >= 0 {
            let form = forms[candidate]
            if rest.starts(with: form.bytes), anywhere || !form.isWord || isWord(text, index, form.bytes.count) {
                return form
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

/// Where a secret stands in a text.
struct SecretPlace: Sendable, Equatable {
    var range: Range<Int>
    /// The number of what is shown in its place.
    var mark: Int
}
