internal import FlatValue
internal import WorkflowCore

/// Values of `--tag`, each a `name=value`.
enum TagArgument {
    /// The tags of a new run: a value that reads as a number, true or false is one, and any other is a text.
    static func tags(_ words: [String]) throws(UsageError) -> RunTags {
        var entries: [(String, Value)] = []
        for word in words {
            guard let tag = try candidates(word).first else { continue }
            guard !entries.contains(where: { $0.0 == tag.name }) else {
                throw UsageError("--tag: '\(tag.name)' is given twice")
            }
            entries.append((tag.name, tag.value))
        }
        do throws(RunTagFault) {
            return try RunTags(Value(entries: entries))
        } catch {
            throw UsageError("--tag: \(error)")
        }
    }

    /// The tags that a word may mean when runs are looked for.
    static func candidates(_ word: String) throws(UsageError) -> [RunTag] {
        guard let equals = word.firstIndex(of: "=") else {
            throw UsageError("--tag takes a name and a value, such as region=eu, got '\(word)'")
        }
        do throws(RunTagFault) {
            return try RunTag.candidates(String(word[..<equals]), String(word[word.index(after: equals)...]))
        } catch {
            throw UsageError("--tag: \(error)")
        }
    }
}
