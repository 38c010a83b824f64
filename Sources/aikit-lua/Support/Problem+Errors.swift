internal import ArgumentParser
internal import LuaWorkflows
internal import Platform
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

extension [Problem] {
    /// The same, with a word on the working folder where something was not found and that folder is not there any more: relative
    /// paths lead nowhere then.
    func notingWorkingFolder() -> [Problem] {
        let missing = [systemMessage(ENOENT), "there is no such"]
        guard let index = firstIndex(where: { problem in missing.contains { problem.message.contains($0) } }),
            !hasWorkingFolder
        else { return self }
        var problems = self
        problems[index].notes.append("the working folder is gone: it was deleted; change to one that is there")
        return problems
    }

    private var hasWorkingFolder: Bool {
        guard let path = getcwd(nil, 0) else { return errno != ENOENT }
        free(path)
        return true
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
