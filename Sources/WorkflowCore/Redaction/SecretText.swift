internal import FlatValue

/// A secret text and the forms in which it may stand within another one.
struct SecretText: Equatable, Sendable {
    /// As it is, in JSON, in JSON within JSON, and in URLs; the longest first.
    private let forms: [[UInt8]]
    /// Bytes of the text itself.
    let length: Int

    /// So much of the beginning of a secret gives it away, at the end of a text that was cut there. Shorter secrets are taken out
    /// where they are words: as parts of words, numbers and ids they turn up by chance.
    private static let tellingBytes = 6

    init(_ text: String) {
        func inJSON(_ text: String) -> String { String(Value(text).json.dropFirst().dropLast()) }
        let escaped = inJSON(text)
        let inURL = BytesText.percentEncoded(Array(text.utf8))
        let forms = [text, escaped, inJSON(escaped), inURL, inURL.replacing("%20", with: "+")]
        self.forms = Set(forms).map { Array($0.utf8) }.sorted { $0.count > $1.count }
        length = text.utf8.count
    }

    /// Replaces each place where it stands, and its beginning where the text ends within it; whether there was one.
    func takeOut(of text: inout [UInt8], leaving mark: [UInt8]) -> Bool {
        var isFound = false
        for form in forms where Self.replace(form, in: &text, by: mark, onlyWords: length < Self.tellingBytes) {
            isFound = true
        }
        for form in forms {
            if let end = CutEnd.range(of: form, in: text, least: Self.tellingBytes) {
                text.replaceSubrange(end, with: mark)
                return true
            }
        }
        return isFound
    }

    private static func replace(
        _ form: [UInt8], in text: inout [UInt8], by mark: [UInt8], onlyWords: Bool
    ) -> Bool {
        guard let first = form.first, text.count >= form.count else { return false }
        var result: [UInt8] = []
        var (index, copied) = (0, 0)
        while index <= text.count - form.count {
            let end = index + form.count
            if text[index] == first, text[index..<end].elementsEqual(form),
                !onlyWords || !(index > 0 && isOfWord(text[index - 1]) || end < text.count && isOfWord(text[end]))
            {
                result += text[copied..<index]
                result += mark
                index = end
                copied = index
            } else {
                index += 1
            }
        }
        if copied == 0 { return false }
        text = result + text[copied...]
        return true
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
