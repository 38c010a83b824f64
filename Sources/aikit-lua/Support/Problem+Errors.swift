internal import ArgumentParser
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// The problems that an error tells of; none for the parser's own errors.
func problems(of error: any Error) -> [Problem] {
    switch error {
    case let error as UsageError: return [error.problem]
    case let error as ScriptError: return error.diagnostics.map(Problem.init)
    case let error as RunFailure: return [Problem(error.told, code: error.code)]
    case let error as ForkError: return [Problem(error.message, code: error.code.rawValue)]
    case let error as JournalError: return [Problem(error.told, code: error.code)]
    case let error as DefinitionError: return error.issues.map(Problem.init)
    default: return []
    }
}

extension Problem {
    init(_ diagnostic: ScriptDiagnostic) {
        self.init(
            diagnostic.message, code: diagnostic.code, file: diagnostic.file, line: diagnostic.line,
            excerpt: diagnostic.excerpt)
        severity = diagnostic.severity == .error ? .error : .warning
        path = diagnostic.path ?? ""
        related = diagnostic.related
        traceback = Self.frames(of: diagnostic.traceback ?? "")
    }

    init(_ issue: DefinitionIssue) {
        self.init(issue.message, code: issue.code)
        severity = issue.severity == .error ? .error : .warning
        if let place = issue.location.flatMap(Location.init) {
            file = place.file
            line = place.line
        }
        path = issue.path
        related = issue.related
    }
}
