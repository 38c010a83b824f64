internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import Platform
internal import WorkflowCore

/// The words of the command line, in the form in which the parser takes them.
struct CommandLineArguments {
    var words: [String]
    /// The words as they were given.
    private let given: [String]

    /// Options that may stand without a value, which then means everything. A value is joined by `=` only, so that the word
    /// behind such an option is never taken for it.
    static let withOptionalValue: Set = [
        "--allow-net", "--allow-env", "--allow-read", "--allow-write", "--allow-run", "--allow-secret",
        "--allow-model",
    ]

    init(_ arguments: some Sequence<String>) {
        var isVerbatim = false
        given = Array(arguments)
        words = given.map { word in
            if word == "--" { isVerbatim = true }
            if isVerbatim { return word }
            if word == IsolationChoice.option { return word + "=" + IsolationChoice.shared.rawValue }
            return Self.withOptionalValue.contains(word) ? word + "=" + Permissions.everything : word
        }
    }

    /// A word that is no UTF-8, with what is not as `\xNN`: taken as text it would mean another file.
    static var unreadableWord: String? {
        for pointer in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)) {
            guard let pointer, String(validatingCString: pointer) == nil else { continue }
            return UnsafeBufferPointer(start: pointer, count: strlen(pointer)).reduce(into: "") { word, unit in
                let byte = UInt8(bitPattern: unit)
                if (0x20..<0x7F).contains(byte) {
                    word.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    word += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            }
        }
        return nil
    }

    /// Commands whose words beside options are files and folders.
    private static let ofPaths: Set = ["run", "dev", "repl", "serve", "mcp", "test"]

    /// What to say when the word behind an option without a value is no file or folder, and so was meant as its value.
    var unjoinedValue: Problem? {
        guard let command = given.first, Self.ofPaths.contains(command) else { return nil }
        let words = given.prefix { $0 != "--" }
        for (option, value) in zip(words, words.dropFirst())
        where (Self.withOptionalValue.contains(option) || option == IsolationChoice.option) && !value.isEmpty
            && !value.hasPrefix("-") && !value.hasSuffix(".lua") && access(value, F_OK) != 0
        {
            return Problem(
                "there is no '\(value)' here; did you mean \(shellQuoted("\(option)=\(value)"))? "
                    + "The value of \(option) is joined to it")
        }
        return nil
    }

    /// What to say when the first word names no command.
    func unknownCommand(in commands: [any ParsableCommand.Type]) -> Problem? {
        guard let word = words.first, !word.hasPrefix("-"), word != "help" else { return nil }
        func names(_ commands: [any ParsableCommand.Type]) -> [String] {
            commands.compactMap { $0.configuration.commandName } + commands.flatMap { $0.configuration.aliases }
        }
        guard !names(commands).contains(word) else { return nil }
        let names = names(commands.filter { $0.configuration.shouldDisplay })
        var problem = Problem("there is no command '\(word)'")
        if let near = nearest(to: word, in: names) {
            problem.message += "; did you mean '\(near)'?"
        } else if word.hasSuffix(".lua") {
            problem.message += "; to run a script: aikit-lua run \(word)"
        }
        problem.notes = ["commands: " + names.joined(separator: " ")]
        return problem
    }
}
