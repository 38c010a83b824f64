package import FlatValue
package import WorkflowCore
package import WorkflowEngine

/// All that a process has to know of a script that another process has loaded: what is in it comes from there and is checked
/// here.
package struct ScriptDescription: Sendable, Equatable {
    /// The workflows as JSON, as the script defined them.
    package var definitions: [String]
    /// ``Plan/fingerprint`` of each workflow.
    package var fingerprints: [String]
    /// The code of each workflow's nodes, in the order of ``Plan/details``.
    package var codes: [[String]]
    package var warnings: [DefinitionIssue]
    package var findings: [DefinitionIssue]
    package var requirements: [Value]
}

extension ScriptDescription {
    package init(_ script: LuaScript) {
        definitions = script.definitions
        fingerprints = script.workflows.map(\.plan.fingerprint)
        codes = script.workflows.map { $0.plan.details.map(\.code) }
        warnings = script.warnings
        findings = script.findings
        requirements = script.requirements
    }

    package var value: Value {
        [
            "definitions": Value(array: definitions.map { Value($0) }),
            "fingerprints": Value(array: fingerprints.map { Value($0) }),
            "codes": Value(array: codes.map { Value(array: $0.map { Value($0) }) }),
            "warnings": Value(array: warnings.map(\.value)), "findings": Value(array: findings.map(\.value)),
            "requirements": Value(array: requirements),
        ]
    }

    /// Nil where the value is none of ``value``'s form.
    package init?(_ value: Value) {
        func texts(_ value: Value?) -> [String]? {
            guard let items = value?.array else { return nil }
            let texts = items.compactMap(\.string)
            return texts.count == items.count ? texts : nil
        }
        func issues(_ key: String) -> [DefinitionIssue]? {
            guard let items = value[key]?.array else { return nil }
            let issues = items.compactMap(DefinitionIssue.init)
            return issues.count == items.count ? issues : nil
        }
        guard let definitions = texts(value["definitions"]), let fingerprints = texts(value["fingerprints"]),
            let codes = value["codes"]?.array?.compactMap({ texts($0) }), let warnings = issues("warnings"),
            let findings = issues("findings"), let requirements = value["requirements"]?.array, !definitions.isEmpty,
            fingerprints.count == definitions.count, codes.count == definitions.count
        else { return nil }
        self.init(
            definitions: definitions, fingerprints: fingerprints, codes: codes, warnings: warnings, findings: findings,
            requirements: requirements)
    }
}

extension DefinitionIssue {
    fileprivate init?(_ value: Value) {
        guard let message = value["message"]?.string, let code = value["code"]?.string,
            let severity = value["severity"]?.string.flatMap(Severity.init)
        else { return nil }
        self.init(
            message: message, location: value["location"]?.string, path: value["path"]?.string ?? "", code: code,
            severity: severity, related: value["related"]?.string)
    }
}

extension LuaScript {
    /// A script that another process has loaded: its workflows can be looked at here, and their code runs there.
    ///
    /// - Parameter driver: what drives their runs.
    /// - Throws: ``ScriptError`` where the description does not fit itself.
    package convenience init(
        _ description: ScriptDescription, of bundle: ScriptBundle, driver: any RunDriving
    ) throws(ScriptError) {
        let path = bundle.script.path
        let generation = Generation(id: bundle.id, origin: path, driver: driver)
        var workflows: [Workflow] = []
        for index in description.definitions.indices {
            let plan: Plan
            do {
                plan = try DefinitionReader.plan(from: Value(scriptJSON: description.definitions[index]))
            } catch {
                throw ScriptError(code: "invalid_definition", file: path, message: "\(error)")
            }
            var codes = description.codes[index]
            guard plan.fingerprint == description.fingerprints[index], plan.details.count == codes.count else {
                throw ScriptError(
                    code: "invalid_definition", file: path,
                    message: "workflow '\(plan.id)' is not what it was said to be")
            }
            if let issue = plan.issuesOfTimeZones.first {
                throw ScriptError(code: issue.code, file: path, message: issue.message)
            }
            codes.reverse()
            workflows.append(Workflow(plan: plan.withCode { codes.popLast() ?? $0 }, generation: generation))
        }
        self.init(
            path: path, workflows: workflows, bundle: bundle, generation: generation, warnings: description.warnings,
            findings: description.findings, definitions: description.definitions,
            requirements: description.requirements)
    }
}

extension ScriptError {
    package var value: Value {
        Value(
            array: diagnostics.map { diagnostic in
                var entries: [(String, Value)] = [
                    ("code", Value(diagnostic.code)), ("severity", Value(diagnostic.severity.rawValue)),
                    ("message", Value(diagnostic.message)),
                ]
                if let line = diagnostic.line { entries.append(("line", Value(Int64(line)))) }
                for (key, text) in [
                    ("file", diagnostic.file), ("excerpt", diagnostic.excerpt), ("traceback", diagnostic.traceback),
                    ("path", diagnostic.path), ("related", diagnostic.related),
                ] {
                    if let text { entries.append((key, Value(text))) }
                }
                return Value(entries: entries)
            })
    }

    /// Nil where the value is none of ``value``'s form.
    package init?(_ value: Value) {
        guard let items = value.array, let first = items.first else { return nil }
        self.init(
            code: first["code"]?.string ?? "error", file: first["file"]?.string ?? "",
            message: first["message"]?.string ?? "")
        diagnostics = items.map { item in
            ScriptDiagnostic(
                code: item["code"]?.string ?? "error",
                severity: item["severity"]?.string.flatMap(DefinitionIssue.Severity.init) ?? .error,
                message: item["message"]?.string ?? "", file: item["file"]?.string,
                line: item["line"]?.int.flatMap { Int(exactly: $0) }, excerpt: item["excerpt"]?.string,
                traceback: item["traceback"]?.string, path: item["path"]?.string, related: item["related"]?.string)
        }
    }
}
