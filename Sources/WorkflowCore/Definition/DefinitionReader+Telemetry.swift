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
            guard let wrong = value[key: problem.key] else { continue }
            expected(scope, "telemetry." + problem.key, problem.expected, wrong)
        }
    }
}

/// The fields that `telemetry` has, for a workflow, a step and a run.
package enum TelemetryFields {
    package static let workflowKeys = [
        "trace_name", "metadata", "tags", "record_inputs", "record_outputs", "user_id", "session_id", "environment",
    ]
    static let stepKeys = ["record_inputs", "record_outputs"]

    /// The known fields whose value is of the wrong kind.
    static func problems(in telemetry: Value) -> [(key: String, expected: String)] {
        var problems: [(key: String, expected: String)] = []
        for (key, value) in (telemetry.entries ?? []).sorted(by: { $0.key < $1.key }) where !value.isNull {
            switch key {
            case "trace_name":
                if value.string?.isEmpty ?? true { problems.append((key, "a string that is not empty")) }
            case "user_id", "session_id", "environment":
                if value.string == nil { problems.append((key, "a string")) }
            case "record_inputs", "record_outputs": if value.bool == nil { problems.append((key, "a boolean")) }
            case "metadata":
                if value.entries == nil, !isEmptyTable(value) { problems.append((key, "a table with string keys")) }
            case "tags":
                let isList = isEmptyTable(value) || value.array?.allSatisfy { $0.string != nil } == true
                if !isList { problems.append((key, "a list of strings")) }
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
    /// - Returns: the settings with the keys of scripts, or what is wrong with them in words.
    package static func read(ofRun telemetry: Value) -> Result<Value, TelemetryFault> {
        if telemetry.bool != nil { return .success(telemetry) }
        guard let given = telemetry.entries else {
            return .failure(TelemetryFault(message: "takes a boolean or an object, got \(telemetry.json.prefix(60))"))
        }
        var fields: [(String, Value)] = []
        for (key, value) in given {
            let name = snakeCase(key)
            guard workflowKeys.contains(name) else {
                let hint =
                    nearest(to: name, in: workflowKeys).map { "; did you mean '\($0)'?" }
                    ?? "; known are \(workflowKeys.joined(separator: ", "))"
                return .failure(TelemetryFault(message: "has an unknown key '\(key)'\(hint)"))
            }
            if fields.contains(where: { $0.0 == name }) {
                return .failure(TelemetryFault(message: "has `\(name)` twice"))
            }
            fields.append((name, value))
        }
        let settings = Value(entries: fields)
        if let problem = problems(in: settings).first {
            let expected = problem.key == "metadata" ? "an object" : problem.expected
            let got = settings[problem.key]?.withCursor(\.summary) ?? "nothing"
            return .failure(
                TelemetryFault(message: "has a wrong `\(problem.key)`: expected \(expected), got \(got)"))
        }
        return .success(settings)
    }

    private static func snakeCase(_ key: String) -> String {
        key.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }
}

/// What is wrong with the telemetry that a run was to be started with; the message goes on after its name.
package struct TelemetryFault: Error, Sendable {
    package var message: String
}
