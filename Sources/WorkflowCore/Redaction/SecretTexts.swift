internal import FlatValue

/// Secret texts, to be taken out of others in whichever form they stand there: as they are, in lower case as names of hosts are,
/// in URLs, whichever of its bytes are escaped there, as base64, and with whatever escapes JSON has, also in JSON within JSON.
package struct SecretTexts: Sendable {
    /// So many bytes of the beginning of a secret give it away, at the end of a text that was cut there. Shorter secrets are taken
    /// out where they are words: as parts of words, numbers and ids they turn up by chance.
    private let tellingBytes: Int
    /// The oldest ones, those that have come since, and the newest ones: so that few are sorted anew with each that comes.
    private var levels = [Level(), Level(), Level()]
    private var marks: [[UInt8]] = []

    /// A secret in its forms.
    private struct Secret {
        /// For a text as it is; and for one without its escapes.
        var all, plain: [SecretForms.Form]

        init(_ text: String, mark: Int, isWord: Bool) {
            func form(_ bytes: some Sequence<UInt8>) -> SecretForms.Form {
                SecretForms.Form(bytes: Array(bytes), isWord: isWord, mark: mark)
            }
            (all, plain) = ([], [])
            let lower = text.lowercased()
            for text in lower == text ? [text] : [text, lower] {
                plain.append(form(text.utf8))
                let inURL = BytesText.percentEncoded(Array(text.utf8))
                if inURL != text { all.append(form(inURL.utf8)) }
                if inURL.contains("%20") { all.append(form(inURL.replacing("%20", with: "+").utf8)) }
            }
            all += plain
            if isWord { return }
            let inJSON = Value(text).json.utf8.dropFirst().dropLast()
            if inJSON.count != text.utf8.count { all.append(form(inJSON)) }
            all.append(form(BytesText.base64(text.utf8).utf8.prefix { $0 != UInt8(ascii: "=") }))
        }
    }

    private struct Level {
        var secrets: [Secret] = []
        var index = Index([])
    }

    private final class Index: Sendable {
        /// In all forms, for a text as it is; as they are, for one without its escapes.
        let all, plain: SecretForms

        init(_ secrets: [Secret]) {
            all = SecretForms(secrets.flatMap(\.all))
            plain = SecretForms(secrets.flatMap(\.plain))
        }
    }

    /// - Parameter tellingBytes: bytes of a secret's beginning that give it away, 4 at least; of a shorter secret, no beginning does.
    package init(tellingBytes: Int = 6) { self.tellingBytes = tellingBytes }

    package var isEmpty: Bool { levels.allSatisfy(\.secrets.isEmpty) }

    /// - Parameters:
    ///   - text: of two bytes at least, and not one of those that are here.
    ///   - mark: what is shown in its place.
    package mutating func add(_ text: String, mark: String) {
        let mark = Array(mark.utf8)
        if marks.last != mark { marks.append(mark) }
        levels[2].secrets.append(Secret(text, mark: marks.count - 1, isWord: text.utf8.count < tellingBytes))
        if levels[2].secrets.count > 32 { move(2) }
        if levels[1].secrets.count > 32 + levels[0].secrets.count / 8 { move(1) }
        levels[2].index = Index(levels[2].secrets)
    }

    private mutating func move(_ level: Int) {
        levels[level - 1].secrets += levels[level].secrets
        levels[level - 1].index = Index(levels[level - 1].secrets)
        levels[level] = Level()
    }

    // MARK: Taking out

    /// A text with marks for the secrets in it; nil where none is there.
    ///
    /// - Parameter mayBeCut: whether the beginning of a secret with which the text ends is taken out too.
    package func takenOut(of text: [UInt8], mayBeCut: Bool) -> [UInt8]? {
        text.withUnsafeBufferPointer { takenOut(of: $0, mayBeCut: mayBeCut) }
    }

    package func takenOut(of text: UnsafeBufferPointer<UInt8>, mayBeCut: Bool) -> [UInt8]? {
        let places = places(in: text, mayBeCut: mayBeCut)
        if places.isEmpty { return nil }
        var (result, copied) = ([UInt8](), 0)
        for place in Self.apart(places) {
            result += text[copied..<place.range.lowerBound]
            result += marks[place.mark]
            copied = place.range.upperBound
        }
        return result + text[copied...]
    }

    package func takenOut(of text: String, mayBeCut: Bool) -> String {
        takenOut(of: Array(text.utf8), mayBeCut: mayBeCut).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Whether there may be something to take out of one of the texts that lie in a buffer, whole and in any order.
    package func mayStand(in buffer: UnsafeBufferPointer<UInt8>) -> Bool {
        buffer.contains { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "%") }
            || levels.contains { $0.index.all.stand(in: buffer) }
    }

    /// How many of the last bytes of a text may be the beginning of a secret whose rest is still to come; a whole secret that such
    /// a beginning overlaps belongs to them.
    package func openEnd(of text: [UInt8]) -> Int {
        text.withUnsafeBufferPointer { text in
            let starts = levels.compactMap { $0.index.all.cut(text, end: text.count, least: 1)?.range.lowerBound }
            guard let start = starts.min() else { return 0 }
            let whole = Self.apart(levels.flatMap { $0.index.all.places(in: text) })
            return text.count - (whole.first { $0.range.contains(start) }?.range.lowerBound ?? start)
        }
    }

    private func places(in text: UnsafeBufferPointer<UInt8>, mayBeCut: Bool) -> [SecretPlace] {
        let once = UnescapedText(text)
        let twice = once.flatMap { $0.bytes.withUnsafeBufferPointer { UnescapedText($0) } }
        let end = CutEnd.end(of: text)
        var places: [SecretPlace] = []
        for index in levels.map(\.index) {
            places += index.all.places(in: text)
            if mayBeCut, let cut = index.all.cut(text, end: end, least: tellingBytes) { places.append(cut) }
        }
        if let decoded = UnescapedText(percent: text) {
            add(&places, in: decoded, end: end, mayBeCut: mayBeCut) { decoded.place(of: $0) }
        }
        guard let once else { return places }
        add(&places, in: once, end: end, mayBeCut: mayBeCut) { once.place(of: $0) }
        guard let twice else { return places }
        add(&places, in: twice, end: end, mayBeCut: mayBeCut) { once.place(of: twice.place(of: $0)) }
        return places
    }

    /// Adds the places in a text without its escapes, where they stand in the text with them.
    private func add(
        _ places: inout [SecretPlace], in view: UnescapedText, end: Int, mayBeCut: Bool,
        _ place: (Range<Int>) -> Range<Int>
    ) {
        view.bytes.withUnsafeBufferPointer { bytes in
            let inner = CutEnd.end(of: bytes)
            for index in levels.map(\.index) {
                for found in index.plain.places(in: bytes) {
                    places.append(SecretPlace(range: place(found.range), mark: found.mark))
                }
                guard mayBeCut, let cut = index.plain.cut(bytes, end: inner, least: tellingBytes) else { continue }
                places.append(SecretPlace(range: place(cut.range).lowerBound..<end, mark: cut.mark))
            }
        }
    }

    /// Places in order; those that overlap are one, with the mark of the first.
    private static func apart(_ places: [SecretPlace]) -> [SecretPlace] {
        var apart: [SecretPlace] = []
        func isBefore(_ one: SecretPlace, _ other: SecretPlace) -> Bool {
            (one.range.lowerBound, other.range.upperBound) < (other.range.lowerBound, one.range.upperBound)
        }
        for place in places.sorted(by: isBefore) {
            if let last = apart.last?.range, place.range.lowerBound < last.upperBound {
                apart[apart.count - 1].range = last.lowerBound..<max(last.upperBound, place.range.upperBound)
            } else {
                apart.append(place)
            }
        }
        return apart
    }
}
