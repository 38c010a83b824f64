internal import Crypto
internal import FlatValue
internal import WorkflowCore

/// Tells the code of one callback from another one's by content: the source lines that it is made of, wherever they stand.
struct CallbackCode {
    private let codes: [Value]
    private let lines: [String: [ArraySlice<UInt8>]]
    /// Stands for code that no file shows.
    private let bundle: String

    init(_ codes: [Value], in bundle: ScriptBundle) {
        self.codes = codes
        self.bundle = bundle.id
        var lines: [String: [ArraySlice<UInt8>]] = [:]
        if !codes.isEmpty {
            for file in bundle.files {
                lines[file.path] = file.source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            }
        }
        self.lines = lines
    }

    /// The hash of what the host keeps under a number; empty for none.
    func hash(_ number: String) -> String {
        guard let number = Int(number), number > 0, number <= codes.count else { return "" }
        var hasher = SHA256()
        for part in codes[number - 1].array ?? [] {
            if let file = part["file"]?.string, let first = part["first"]?.int, let last = part["last"]?.int {
                guard let lines = lines[file], first > 0, first <= last, last <= lines.count else {
                    // Made of a text while the script was loaded: any change of the script may have changed it.
                    hasher.update(data: Array("bundle \(bundle)\n".utf8))
                    continue
                }
                hasher.update(data: Array("lines \(last - first)\n".utf8))
                for line in lines[Int(first) - 1..<Int(last)] {
                    hasher.update(data: line)
                    hasher.update(data: [UInt8(ascii: "\n")])
                }
            } else {
                hasher.update(data: Array((part.string ?? part.json).utf8))
                hasher.update(data: [0])
            }
        }
        return BytesText.hex(hasher.finalize())
    }
}
