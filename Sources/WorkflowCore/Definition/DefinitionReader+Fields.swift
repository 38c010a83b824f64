internal import FlatValue
internal import JSONSchema

extension DefinitionReader {
    // MARK: Reporting

    /// Reports an issue; the message goes on after the name of what is being read.
    mutating func report(
        _ scope: Scope, _ code: String, _ message: String, key: String = "", severity: DefinitionIssue.Severity = .error
    ) {
        let path = key.isEmpty ? scope.path : scope.path.isEmpty ? key : scope.path + "." + key
        issues.append(
            DefinitionIssue(
                message: "\(scope.name) \(message)", location: scope.location, path: path, code: code,
                severity: severity))
    }

    /// Reports that a key has a value of the wrong kind.
    mutating func expected(
        _ scope: Scope, _ key: String, _ what: String, _ got: ValueCursor, in place: String? = nil
    ) {
        var named = scope
        if let place { named.name = place }
        let subject = key.isEmpty ? "must be" : "has a wrong `\(key)`: expected"
        report(named, "invalid_type", "\(subject) \(what), got \(got.summary)", key: key)
    }

    /// Reports keys that nobody knows.
    ///
    /// - Parameter synonyms: what keys are called elsewhere, and how they are called here.
    mutating func checkKeys(
        _ scope: Scope, allowed: [String], shown: [String], prefix: String = "", synonyms: [String: String] = [:]
    ) {
        for entry in scope.object.ordered where !allowed.contains(entry.key) {
            let key = entry.key
            if key.hasPrefix("[") {
                report(scope, "unknown_key", "has a value under \(key), but only named keys count", key: key)
                continue
            }
            let plain = key.lowercased().filter { $0 != "_" }
            let hint = synonyms[plain].map { "; did you mean '\($0)'?" } ?? suggestion(for: key, in: shown)
            let list = hint.isEmpty ? "; known are \(shown.joined(separator: ", "))" : hint
            report(scope, "unknown_key", "has an unknown key '\(prefix)\(key)'\(list)", key: prefix + key)
        }
    }

    // MARK: Fields

    /// The value of a key that is there.
    func value(_ scope: Scope, _ key: String) -> ValueCursor? {
        guard let value = scope.object[key: key], !value.isNull else { return nil }
        return value
    }

    mutating func string(_ scope: Scope, _ key: String) -> String? {
        guard let value = value(scope, key) else { return nil }
        guard let text = value.string else {
            expected(scope, key, "a string", value)
            return nil
        }
        return text
    }

    /// The id, which stands in paths and so may not hold their punctuation.
    mutating func readID(_ scope: Scope) -> String? {
        guard let value = value(scope, "id") else {
            report(scope, "missing_id", "has no id; give it one: id = \"…\"", key: "id")
            return nil
        }
        guard let id = value.string else {
            expected(scope, "id", "a string", value)
            return nil
        }
        if id.isEmpty {
            report(scope, "invalid_id", "has an empty id", key: "id")
            return nil
        }
        if let bad = Self.pathMark(in: id) {
            report(scope, "invalid_id", "has \(bad) in its id, which is kept for paths such as a[2]/b", key: "id")
            return nil
        }
        return id
    }

    /// A character that would make a path ambiguous.
    static func pathMark(in name: String) -> String? {
        for scalar in name.unicodeScalars {
            if scalar == "/" || scalar == "[" || scalar == "]" { return "'\(scalar)'" }
            if scalar.value < 0x20 || scalar.value == 0x7F { return "a control character" }
        }
        return nil
    }

    mutating func callback(_ scope: Scope, _ key: String, required: String? = nil) -> CallbackSlot {
        guard let value = value(scope, key) else {
            if let required {
                report(
                    scope, "missing_callback", "has no `\(key)`; give it one: \(key) = function(\(required)) … end",
                    key: key)
            }
            return 0
        }
        if let slot = value.int ?? value["$function"]?.int, slot > 0, let slot = CallbackSlot(exactly: slot) {
            return slot
        }
        expected(scope, key, "a function", value)
        return 0
    }

    /// A whole number of at least 1.
    mutating func count(_ scope: Scope, _ key: String, prefix: String = "") -> Int32? {
        guard let value = value(scope, key) else { return nil }
        if let number = value.number, number >= 1, let count = Int32(exactly: number) { return count }
        expected(scope, prefix + key, "a whole number of at least 1", value)
        return nil
    }

    mutating func number(
        _ scope: Scope, _ key: String, prefix: String, in range: ClosedRange<Double>, _ what: String
    ) -> Double? {
        guard let value = value(scope, key) else { return nil }
        if let number = value.number, range.contains(number) { return number }
        expected(scope, prefix + key, what, value)
        return nil
    }

    /// A duration in microseconds.
    mutating func duration(_ scope: Scope, _ key: String, prefix: String = "", orZero: Bool = false) -> Int64? {
        guard let value = value(scope, key) else { return nil }
        let length =
            value.string.flatMap { DurationText.microseconds($0) }
            ?? value.number.flatMap { DurationText.microseconds(seconds: $0) }
        if let length, length > 0 || orZero { return length }
        let what = "a duration such as \"200ms\", \"10s\", \"5m\", \"2h\", \"30d\" or a number of seconds"
        let longer = length == 0 ? " longer than none" : ""
        expected(scope, prefix + key, what + longer, value)
        return nil
    }

    /// One of a few words.
    mutating func word(_ scope: Scope, _ key: String, prefix: String = "", of words: [String]) -> String? {
        guard let value = value(scope, key) else { return nil }
        let list = words.map { "\"\($0)\"" }.joined(separator: " or ")
        guard let text = value.string, words.contains(text) else {
            let hint = value.string.map { suggestion(for: $0, in: words) } ?? ""
            report(
                scope, "invalid_value", "has a wrong `\(prefix)\(key)`: expected \(list), got \(value.summary)\(hint)",
                key: prefix + key)
            return nil
        }
        return text
    }

    /// Reports functions and other things of a script within data.
    mutating func checkData(_ scope: Scope, _ key: String, _ value: ValueCursor) {
        if value.isForeign { return expected(scope, key, "data", value) }
        for entry in value.ordered { checkData(scope, key + "." + entry.key, entry.value) }
        for (index, item) in value.items.enumerated() { checkData(scope, "\(key)[\(index + 1)]", item) }
    }

    /// The place of a schema in the plan, `-1` for none.
    mutating func schema(_ scope: Scope, _ key: String) -> Int32 {
        guard let value = value(scope, key) else { return -1 }
        guard value.isPlainObject || value.bool != nil else {
            expected(scope, key, "a schema", value)
            return -1
        }
        let encoding = Array(value.bytes)
        if let known = schemaIndexes[encoding] { return known }
        switch compileSchema(Value(value)) {
        case .success(let schema):
            schemas.append(schema)
            schemaIndexes[encoding] = Int32(schemas.count - 1)
            return Int32(schemas.count - 1)
        case .failure(let problem):
            let place = problem.pointer.isEmpty ? "" : " at \(problem.pointer)"
            report(
                scope, "invalid_schema", "has an `\(key)` that is no JSON Schema\(place): \(problem.message)",
                key: key + (problem.pointer.isEmpty ? "" : "#" + problem.pointer))
            return -1
        }
    }
}

/// Why a schema cannot be used, and the JSON pointer to what is wrong in it.
struct SchemaProblem: Error {
    var pointer: String
    var message: String
}

/// The one place where definitions meet the schema engine.
func compileSchema(_ definition: Value) -> Result<Schema, SchemaProblem> {
    var options = Schema.Options()
    options.keepsKeyOrder = false
    do throws(SchemaError) {
        return .success(try Schema(definition, options: options))
    } catch {
        return .failure(SchemaProblem(pointer: error.pointer, message: error.message))
    }
}

extension ValueCursor {
    /// A table that stands for itself, and not for something of the script that is no data.
    var isPlainObject: Bool { isObject && !isForeign }

    /// Stands for a function, a thread or a node in a place where data belongs.
    var isForeign: Bool {
        guard tag == .object, count == 1 else { return false }
        return self["$function"] != nil || self["$value"] != nil || self["$node"] != nil
    }

    /// What it is, in a few words of a message.
    var summary: String {
        switch tag {
        case .null: return "nil"
        case .true: return "true"
        case .false: return "false"
        case .int, .double: return "the number \(json)"
        case .string:
            let text = string ?? ""
            return "the string \"\(text.count > 40 ? text.prefix(40) + "…" : text)\""
        case .array: return "a list of \(count) item\(count == 1 ? "" : "s")"
        case .emptyTable: return "an empty table"
        case .object:
            if !isForeign { return count == 0 ? "an empty table" : "a table" }
            if self["$function"] != nil { return "a function" }
            if let kind = self["$value"]?.string { return "a \(kind)" }
            return "the node '\(self["$node"]?.string ?? "?")'"
        }
    }
}

extension ValueCursor {
    /// The entries of an object by their keys: a table of Lua has them in another order each time, and what is wrong with several of
    /// them is told in the same one.
    var ordered: [(key: String, value: ValueCursor)] {
        entries.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }
}
