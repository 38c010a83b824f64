package import FlatValue

extension DefinitionReader {
    /// Reads how a workflow's runs are traced: a boolean, or a table of known fields.
    mutating func readTelemetry(ofWorkflow scope: Scope, into node: Int) {
        readTelemetry(scope, into: node, keys: TelemetryFields.workflowKeys)
    }

    /// Reads what a step says of its own spans: `false` records neither input nor output.
    mutating func readTelemetry(ofStep scope: Scope, into node: Int) {
        readTelemetry(scope, into: node, keys: TelemetryFields.stepKeys)
    }

    private mutating func readTelemetry(_ scope: Scope, into node: Int, keys: [String]) {
        guard let value = value(scope, "telemetry") else { return }
        details[node].telemetry = Value(value)
        if value.bool != nil || value.tag == .emptyTable { return }
        guard value.isPlainObject else { return expected(scope, "telemetry", "a boolean or a table", value) }
        var inner = scope
        inner.object = value
        checkKeys(inner, allowed: keys, shown: keys, prefix: "telemetry.")
        checkData(scope, "telemetry", value)
        for problem in TelemetryFields.problems(in: Value(value)) {
            guard let field = value[key: problem.key] else { continue }
            expected(
                scope, "telemetry." + problem.place, problem.expected,
                problem.item.flatMap { Array(field.items).dropFirst($0).first } ?? field)
        }
    }
}

/// The fields that `telemetry` has, for a workflow, a step and a run.
package enum TelemetryFields {
    package static let workflowKeys = [
        "trace_name", "metadata", "tags", "record_inputs", "record_outputs", "user_id", "session_id", "environment",
    ]
    static let stepKeys = ["record_inputs", "record_outputs"]

    /// A field, or an item of one, whose value is of the wrong kind.
    struct Problem {
        var key: String
        /// The number of the item, from 0; nil for the field itself.
        var item: Int?
        var expected: String

        /// The field as a script has it, whose items count from 1.
        var place: String { key + (item.map { "[\($0 + 1)]" } ?? "") }
    }

    /// The known fields whose value is of the wrong kind.
    static func problems(in telemetry: Value) -> [Problem] {
        var problems: [Problem] = []
        func add(_ key: String, _ expected: String, item: Int? = nil) {
            problems.append(Problem(key: key, item: item, expected: expected))
        }
        for (key, value) in (telemetry.entries ?? []).sorted(by: { $0.key < $1.key }) where !value.isNull {
            switch key {
            case "trace_name":
                if value.string?.isEmpty ?? true { add(key, "a string that is not empty") }
            case "user_id", "session_id", "environment":
                if value.string == nil { add(key, "a string") }
            case "record_inputs", "record_outputs": if value.bool == nil { add(key, "a boolean") }
            case "metadata":
                if value.entries == nil, !isEmptyTable(value) { add(key, "a table with string keys") }
            case "tags":
                if isEmptyTable(value) { break }
                guard let items = value.array else {
                    add(key, "a list of strings")
                    break
                }
                if let item = items.firstIndex(where: { $0.string == nil }) { add(key, "a string", item: item) }
            default: break
            }
        }
        return problems
    }

    private static func isEmptyTable(_ value: Value) -> Bool {
        value.tag == .emptyTable || value.array?.isEmpty == true
    }

    /// Checks what a run is started with; keys may be AI Kit's in camelCase.
    ///
    /// - Returns: the settings with the keys of scripts, or what is wrong with them in words, which name the keys as they were given.
    package static func read(ofRun telemetry: Value) -> Result<Value, TelemetryFault> {
        if telemetry.bool != nil { return .success(telemetry) }
        guard let given = telemetry.entries else {
            return .failure(TelemetryFault(message: "takes a boolean or an object, got \(telemetry.json.prefix(60))"))
        }
        var fields: [(String, Value)] = []
        var spellings: [String: String] = [:]
        for (key, value) in given {
            let name = snakeCase(key)
            guard workflowKeys.contains(name) else {
                let isCamel = name != key
                let known = workflowKeys.map { isCamel ? camelCase($0) : $0 }
                let hint =
                    nearest(to: key, in: known).map { "; did you mean '\($0)'?" }
                    ?? "; known are \(known.joined(separator: ", "))"
                return .failure(TelemetryFault(message: "has an unknown key '\(key)'\(hint)"))
            }
            if let other = spellings[name] {
                return .failure(TelemetryFault(message: "has both `\(other)` and `\(key)`, which are the same"))
            }
            spellings[name] = key
            fields.append((name, value))
        }
        let settings = Value(entries: fields)
        if let problem = problems(in: settings).first {
            let expected = problem.key == "metadata" ? "an object" : problem.expected
            let field = settings[problem.key]
            let wrong = problem.item.map { field?[$0] } ?? field
            let place = (spellings[problem.key] ?? problem.key) + (problem.item.map { "[\($0)]" } ?? "")
            return .failure(
                TelemetryFault(
                    message:
                        "has a wrong `\(place)`: expected \(expected), got \(wrong?.withCursor(\.summary) ?? "nothing")"
                ))
        }
        return .success(settings)
    }

    private static func camelCase(_ key: String) -> String {
        let words = key.split(separator: "_")
        return words.dropFirst().reduce(into: String(words.first ?? "")) {
            $0 += $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }

    private static func snakeCase(_ key: String) -> String {
        key.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }
}

/// What is wrong with the telemetry that a run was to be started with; the message goes on after its name.
package struct TelemetryFault: Error, Sendable {
    package var message: String
}
