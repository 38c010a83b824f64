internal import ArgumentParser
internal import HostEffects
internal import Platform
internal import VMProcess

/// The program: reads the command line, runs one command, and ends with its status.
@main
enum Main {
    static func main() {
        // A process has a name at least; what it was asked to do cannot be guessed.
        guard !CommandLine.arguments.isEmpty else {
            TextStream.errors.show(Problem("the command line cannot be read; is /proc mounted?"))
            _exit(ExitStatus.usage.rawValue)
        }
        if CommandLine.arguments.dropFirst() == [VMProgram.word] { VMProgram.run() }
        ProcessStart.prepare()
        let status = complete(run(CommandLineArguments(CommandLine.arguments.dropFirst())))
        // Threads that still run have nothing left to do; ending in one step spares them the tear-down of what they use.
        fflush(nil)
        ProgramGroups.endAll()
        _exit(status.rawValue)
    }

    /// What was not written is told, and is no success.
    private static func complete(_ status: ExitStatus) -> ExitStatus {
        guard let failure = TextStream.output.failure else { return status }
        TextStream.errors.show(Problem("standard output cannot be written: \(failure)"))
        return status == .success ? .failed : status
    }

    private static func run(_ arguments: CommandLineArguments) -> ExitStatus {
        do {
            if let word = CommandLineArguments.unreadableWord {
                throw UsageError(
                    "'\(word)' on the command line is not UTF-8; rename the file or folder, as with mv or convmv")
            }
            if let problem = arguments.unjoinedValue { throw UsageError(problem) }
            if let request = RunArguments(quickly: arguments.words) {
                try checkMeans()
                return try request.carryOut()
            }
            if let problem = arguments.unknownCommand(in: AikitLua.configuration.subcommands) {
                throw UsageError(problem)
            }
            var command = try AikitLua.parseAsRoot(arguments.words)
            // Help and versions need nothing of it.
            if type(of: command).configuration.commandName != "help" { try checkMeans() }
            try command.run()
            return .success
        } catch let error as UsageError {
            TextStream.errors.show([error.problem].notingWorkingFolder())
            return .usage
        } catch let error as ExitCode {
            return ExitStatus(rawValue: error.rawValue) ?? .failed
        } catch {
            return report(error)
        }
    }

    private static func checkMeans() throws(UsageError) {
        if let shortage = ProcessStart.shortage { throw UsageError(shortage) }
    }

    /// The parser's message, and what to write where a value was not joined to its option.
    private static func message(of error: any Error) -> String {
        let message = AikitLua.message(for: error)
        guard message.hasPrefix("Unexpected argument") || message.contains("unexpected arguments") else {
            return message
        }
        let words = Array(CommandLine.arguments.dropFirst())
        for (option, value) in zip(words, words.dropFirst())
        where (CommandLineArguments.withOptionalValue.contains(option) || option == IsolationChoice.option)
            && !value.hasPrefix("-")
        {
            return "\(message); the value of \(option) is joined to it: \(shellQuoted("\(option)=\(value)"))"
        }
        return message
    }

    /// Help and versions go to standard output; what the parser refuses is wrong usage.
    private static func report(_ error: any Error) -> ExitStatus {
        if AikitLua.exitCode(for: error) == .success {
            let help = HelpText(columns: HelpText.columns(of: .output))
            let text = HelpText.unbroken { AikitLua.fullMessage(for: error) }
            // Completion scripts and versions are written as they are.
            let isHelp = text.hasPrefix("OVERVIEW:") || text.hasPrefix("USAGE:")
            TextStream.output.writeLine(isHelp ? help.laidOut(text) : text)
            return .success
        }
        let problems = problems(of: error)
        if problems.isEmpty {
            TextStream.errors.show(Problem(message(of: error)))
            // The usage follows the message in the parser's own text.
            let text = HelpText.unbroken { AikitLua.fullMessage(for: error) }
            let usage = text.split(separator: "\n").drop { !$0.hasPrefix("Usage:") }
            let help = HelpText(columns: HelpText.columns(of: .errors))
            if !usage.isEmpty { TextStream.errors.writeLine(help.laidOut(usage.joined(separator: "\n"))) }
        } else {
            TextStream.errors.show(problems.notingWorkingFolder())
        }
        return .usage
    }
}
