internal import FlatValue

/// Secret texts, to be taken out of others in whichever form they stand there: as they are, in URLs, and with whatever escapes JSON
/// has, also in JSON within JSON.
struct SecretTexts: Sendable {
    /// The oldest ones, those that have come since, and the newest ones: so that few are sorted anew with each that comes.
    private var levels = [Level(), Level(), Level()]

    private struct Level {
        var texts: [String] = []
        var index = Index([])
    }

    private final class Index: Sendable {
        /// In all forms, for a text as it is; as they are, for one without its escapes.
        let all, plain: SecretForms

        init(_ texts: [String]) {
            var all: Set<[UInt8]> = []
            var words: Set<[UInt8]> = []
            var plain: [(bytes: [UInt8], isWord: Bool)] = []
            for text in texts {
                let bytes = Array(text.utf8)
                let isWord = bytes.count < SecretForms.tellingBytes
                plain.append((bytes, isWord))
                let inURL = BytesText.percentEncoded(bytes)
                for form in [bytes, Array(inURL.utf8), Array(inURL.replacing("%20", with: "+").utf8)] {
                    all.insert(form)
                    if isWord { words.insert(form) }
                }
            }
            self.all = SecretForms(all.map { ($0, words.contains($0)) })
            self.plain = SecretForms(plain)
        }
    }

    var isEmpty: Bool { levels.allSatisfy(\.texts.isEmpty) }

    /// - Parameter text: of two bytes at least, and not one of those that are here.
    mutating func add(_ text: String) {
        levels[2].texts.append(text)
        if levels[2].texts.count > 32 { move(2) }
        if levels[1].texts.count > 32 + levels[0].texts.count / 8 { move(1) }
        levels[2].index = Index(levels[2].texts)
    }

    private mutating func move(_ level: Int) {
        levels[level - 1].texts += levels[level].texts
        levels[level - 1].index = Index(levels[level - 1].texts)
        levels[level] = Level()
    }

    /// A text without the secrets in it, and without the beginning of one at its end where the text was cut; nil where none is there.
    func takenOut(of text: [UInt8], leaving mark: [UInt8]) -> [UInt8]? {
        var places: [Range<Int>] = []
        let once = UnescapedText(text)
        let twice = once.flatMap { UnescapedText($0) }
        let end = CutEnd.end(of: text)
        for index in levels.map(\.index) {
            places += index.all.places(in: text)
            if let start = index.all.cut(text, end: end) { places.append(start..<end) }
            for view in [once, twice].compactMap(\.self) {
                places += index.plain.places(in: view.bytes).map { view.place(of: $0) }
                let inner = CutEnd.end(of: view.bytes)
                if let start = index.plain.cut(view.bytes, end: inner) {
                    places.append(view.place(of: start..<inner).lowerBound..<end)
                }
            }
        }
        if places.isEmpty { return nil }
        var (result, copied) = ([UInt8](), 0)
        for place in Self.apart(places) {
            result += text[copied..<place.lowerBound]
            result += mark
            copied = place.upperBound
        }
        return result + text[copied...]
    }

    /// Places in order; those that overlap are one.
    private static func apart(_ places: [Range<Int>]) -> [Range<Int>] {
        var apart: [Range<Int>] = []
        for place in places.sorted(by: { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }) {
            if let last = apart.last, place.lowerBound < last.upperBound {
                apart[apart.count - 1] = last.lowerBound..<max(last.upperBound, place.upperBound)
            } else {
                apart.append(place)
            }
        }
        return apart
    }
}
