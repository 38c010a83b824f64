internal import FlatValue
internal import WorkflowCore

/// What a line of the REPL asks for.
enum ReplEntry: Equatable {
    /// Lua, to be evaluated; perhaps not all of it yet.
    case code(String)
    case run(input: String?)
    case step(id: String, input: String?)
    case reload, help, quit
    case nothing
    /// A command that does not exist or lacks something; the message says so.
    case refused(String)

    static let commands = ["run", "step", "reload", "help", "quit"]

    /// - Parameter earlier: the lines before it that were not complete.
    init(_ line: String, after earlier: [String] = []) {
        guard earlier.isEmpty else {
            self = .code((earlier + [line]).joined(separator: "\n"))
            return
        }
        let text = line.trimmed
        guard text.hasPrefix(":") else {
            // `= value`, as Lua's own REPL once had it.
            self = text.isEmpty ? .nothing : .code(text.hasPrefix("=") ? String(text.dropFirst()) : line)
            return
        }
        let word = text.dropFirst().prefix { !$0.isWhitespace }
        let rest = String(text.dropFirst(word.count + 1)).trimmed
        switch word {
        case "run", "r": self = .run(input: rest.isEmpty ? nil : rest)
        case "step", "s":
            let id = rest.prefix { !$0.isWhitespace }
            let input = String(rest.dropFirst(id.count)).trimmed
            self =
                id.isEmpty
                ? .refused(":step takes the id of a step and its input: :step greet {\"name\":\"Ada\"}")
                : .step(id: String(id), input: input.isEmpty ? nil : input)
        case "reload": self = .reload
        case "help", "h", "?": self = .help
        case "quit", "q", "exit": self = .quit
        default:
            let near =
                nearest(to: String(word), in: Self.commands).map { "; did you mean :\($0)?" } ?? "; :help lists all"
            self = .refused("there is no command :\(word)\(near)")
        }
    }

    static let overview = """
        Lua is evaluated, and what it comes to is shown; _ is the last value. Globals stay, locals end with their line.
          :run [JSON]         run the script's workflow with an input
          :step ID [JSON]     run one step of it
          :reload             take the script up anew; globals are gone then
          :help  :quit
        Tab completes, the arrows bring earlier lines back, Ctrl-C stops what runs.
        """
}
