package import FlatValue

/// What a run is found by: names, each with a text, a number or a boolean.
///
/// It is what the payload of ``EventKind/tagsSet`` holds, in the order of the names.
package struct RunTags: Sendable, Equatable {
    /// How many tags a run may have, how many bytes a name takes, and how many a text.
    package static let most = 32
    package static let longestName = 64
    package static let longestText = 256

    package static let none = RunTags(tags: [])

    /// In the order of their names.
    package let tags: [RunTag]

    private init(tags: [RunTag]) { self.tags = tags }

    package var isEmpty: Bool { tags.isEmpty }

    /// Reads tags that came from outside.
    ///
    /// - Throws: what is wrong with the first one that cannot be kept, as a sentence without its subject's place.
    package init(_ value: ValueCursor) throws(RunTagFault) {
        if value.tag == .emptyTable {
            tags = []
            return
        }
        guard value.isObject else {
            throw RunTagFault("tags are a table of names with texts, numbers or booleans, got \(value.summary)")
        }
        guard value.count <= Self.most else {
            throw RunTagFault("a run has at most \(Self.most) tags, got \(value.count)")
        }
        var tags: [RunTag] = []
        for entry in value.entries { tags.append(try RunTag(entry.key, entry.value)) }
        self.tags = tags.sorted { $0.name < $1.name }
    }

    package init(_ value: Value) throws(RunTagFault) {
        self = try value.withCursor { cursor in Result { () throws(RunTagFault) in try RunTags(cursor) } }.get()
    }

    /// These tags with others over them, name by name.
    package func merging(_ others: RunTags) throws(RunTagFault) -> RunTags {
        if others.isEmpty { return self }
        if isEmpty { return others }
        let kept = tags.filter { tag in !others.tags.contains { $0.name.isSpelled(like: tag.name) } }
        guard kept.count + others.tags.count <= Self.most else {
            throw RunTagFault("a run has at most \(Self.most) tags, got \(kept.count + others.tags.count)")
        }
        return RunTags(tags: (kept + others.tags).sorted { $0.name < $1.name })
    }

    /// An object with the names in order.
    package var value: Value { Value(entries: tags.map { ($0.name, $0.value) }) }

    /// What is wrong with the payload of an event; nil if it may be read.
    static func fault(in value: ValueCursor) -> String? {
        do throws(RunTagFault) {
            _ = try RunTags(value)
            return nil
        } catch {
            return "sets tags that no run has"
        }
    }
}

/// A name that a run is found by, with its value.
package struct RunTag: Sendable, Hashable {
    package let name: String
    package let content: Content

    /// Numbers are one kind: a whole one is the same however it was written.
    package enum Content: Sendable, Hashable {
        case text(String)
        case whole(Int64)
        case fraction(Double)
        case flag(Bool)
    }

    package init(_ name: String, _ value: ValueCursor) throws(RunTagFault) {
        self.name = try Self.checked(name: name)
        if let text = value.string {
            guard text.utf8.count <= RunTags.longestText else {
                throw RunTagFault(
                    "the tag '\(name)' has a text of \(text.utf8.count) bytes, and the limit is \(RunTags.longestText)")
            }
            guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                throw RunTagFault("the tag '\(name)' has a text with a control character")
            }
            content = .text(text)
        } else if let flag = value.bool {
            content = .flag(flag)
        } else if let whole = value.int {
            content = .whole(whole)
        } else if let number = value.double, number.isFinite {
            content = Int64(exactly: number).map { .whole($0) } ?? .fraction(number)
        } else {
            throw RunTagFault("the tag '\(name)' takes a text, a number or a boolean, got \(value.summary)")
        }
    }

    private init(_ name: String, _ value: Value) throws(RunTagFault) {
        self = try value.withCursor { cursor in Result { () throws(RunTagFault) in try RunTag(name, cursor) } }.get()
    }

    /// The tags that a name and a word may mean: a number or a boolean where it reads as one, and the text that it is. A word
    /// in double quotes is that text alone.
    package static func candidates(_ name: String, _ word: String) throws(RunTagFault) -> [RunTag] {
        let name = try checked(name: name)
        var found: [RunTag] = []
        let value = (try? Value(json: word)) ?? .null
        let isQuoted = value.string != nil
        if !value.isNull, value.array == nil, value.entries == nil {
            found.append(try RunTag(name, value))
        }
        if !isQuoted { found.append(try RunTag(name, Value(word))) }
        return found
    }

    private static func checked(name: String) throws(RunTagFault) -> String {
        guard (1...RunTags.longestName).contains(name.utf8.count) else {
            throw RunTagFault("the name of a tag has 1 to \(RunTags.longestName) bytes, got \(name.utf8.count)")
        }
        let isPlain = name.unicodeScalars.allSatisfy { scalar in
            scalar.value > 0x20 && scalar.value != 0x7F && scalar != "=" && scalar != ":" && scalar != "\""
                && !scalar.properties.isWhitespace
        }
        guard isPlain else {
            throw RunTagFault(
                "the name of a tag has no blanks, control characters, '=', ':' and '\"', got \(Value(name).json)")
        }
        return name
    }

    package var value: Value {
        switch content {
        case .text(let text): Value(text)
        case .whole(let number): Value(number)
        case .fraction(let number): Value(number)
        case .flag(let flag): Value(flag)
        }
    }

    /// What an index keeps of the value: equal texts for equal values, and for no others.
    package var key: String {
        switch content {
        case .text(let text): "t" + text
        case .whole(let number): "n\(number)"
        case .fraction(let number): "n\(number)"
        case .flag(let flag): flag ? "true" : "false"
        }
    }

    /// The tag as people write it: `region=eu`, with quotes where the text would read as something else.
    package var text: String {
        guard case .text(let text) = content else { return "\(name)=\(value.json)" }
        let isScalar = (try? Value(json: text)).map { $0.array == nil && $0.entries == nil } ?? false
        return "\(name)=" + (isScalar ? Value(text).json : text)
    }
}

/// Why something is no tag, as a sentence.
package struct RunTagFault: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What a start says of the tags of its run, besides the workflow.
package struct StartTags: Sendable {
    /// Of a run that this one goes on from; what the workflow says stands over them.
    package var inherited = RunTags.none
    /// They stand over what the workflow says.
    package var given = RunTags.none

    package init(inherited: RunTags = .none, given: RunTags = .none) {
        self.inherited = inherited
        self.given = given
    }

    /// All tags of the run, given those of its workflow.
    package func over(_ own: RunTags) throws(RunTagFault) -> RunTags { try inherited.merging(own).merging(given) }
}

/// What the runs of a workflow are tagged with from their start.
package enum RunTagging: Sendable, Equatable {
    case fixed(RunTags)
    /// A callback that gets the validated input and gives them.
    case chosen(by: CallbackSlot)
}
