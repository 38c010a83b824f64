internal import FlatValue
internal import WorkflowCore

/// The manual page of the program, made of what the argument parser knows of its commands.
///
/// It is written in the macros of man(7), which every system's `man` reads.
struct ManualPage {
    /// The tool as the parser describes it: `{ command: { commandName, abstract, discussion, arguments, subcommands } }`.
    let tool: Value
    let version: String

    var text: String {
        let root = tool["command"] ?? .null
        let name = root["commandName"]?.string ?? ""
        var page = Roff()
        page.macro("TH", name.uppercased(), "1", "", "\(name) \(version)", "User Commands")
        page.macro("SH", "NAME")
        page.paragraph(name + " - " + lowercasedFirst(root["abstract"]?.string ?? ""))
        page.macro("SH", "SYNOPSIS")
        page.bold(name)
        page.paragraph("COMMAND [ARGUMENT ...] [OPTION ...]")
        page.macro("SH", "DESCRIPTION")
        page.discussion(root["discussion"]?.string ?? "")
        page.macro("SH", "COMMANDS")
        for command in commands(of: root) { describe(command, after: name, in: &page) }
        page.macro("SH", "ENVIRONMENT")
        page.item("NO_COLOR", "Not empty: no colours, on terminals neither.")
        return page.text
    }

    private func commands(of command: Value) -> [Value] {
        (command["subcommands"]?.array ?? []).filter {
            $0["shouldDisplay"]?.bool != false && $0["commandName"]?.string != "help"
        }
    }

    /// One command, then those below it.
    private func describe(_ command: Value, after prefix: String, in page: inout Roff) {
        let name = prefix + " " + (command["commandName"]?.string ?? "")
        let arguments = (command["arguments"]?.array ?? []).filter { $0["shouldDisplay"]?.bool != false }
        page.macro(
            "SS",
            ([name] + arguments.filter { $0["kind"]?.string == "positional" }.map(placeholder)).joined(separator: " "))
        page.paragraph(command["abstract"]?.string ?? "")
        page.discussion(command["discussion"]?.string ?? "")
        for argument in arguments where !isUniversal(argument) {
            page.item(label(argument), explanation(argument))
        }
        for inner in commands(of: command) { describe(inner, after: name, in: &page) }
    }

    /// Help and version, which every command has.
    private func isUniversal(_ argument: Value) -> Bool {
        let names = (argument["names"]?.array ?? []).compactMap { $0["name"]?.string }
        return names.contains("help") || names.contains("version")
    }

    /// `SCRIPT`, `[PATHS ...]`.
    private func placeholder(_ argument: Value) -> String {
        let name = (argument["valueName"]?.string ?? "value").uppercased()
        let repeated = argument["isRepeating"]?.bool == true ? name + " ..." : name
        return argument["isOptional"]?.bool == true ? "[\(repeated)]" : repeated
    }

    /// `-j, --jobs n`, `script`.
    private func label(_ argument: Value) -> String {
        if argument["kind"]?.string == "positional" { return placeholder(argument) }
        let names = (argument["names"]?.array ?? []).map { name -> String in
            let text = name["name"]?.string ?? ""
            return name["kind"]?.string == "long" ? "--" + text : "-" + text
        }
        let value = argument["kind"]?.string == "option" ? " " + (argument["valueName"]?.string ?? "value") : ""
        return names.joined(separator: ", ") + value
    }

    private func explanation(_ argument: Value) -> String {
        let text = argument["abstract"]?.string ?? ""
        guard let usual = argument["defaultValue"]?.string, !usual.isEmpty else { return text }
        return text + " Unless given: \(usual)."
    }

    private func lowercasedFirst(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}

/// Text with the macros of man(7).
struct Roff {
    private(set) var text = ""

    mutating func macro(_ name: String, _ arguments: String...) {
        let quoted = arguments.map { "\"\(Self.escaped($0).split(separator: "\"").joined(separator: "\\(dq"))\"" }
        text += ([".\(name)"] + quoted).joined(separator: " ") + "\n"
    }

    mutating func bold(_ words: String) { macro("B", words) }

    mutating func paragraph(_ words: String) {
        for line in words.split(separator: "\n") { text += Self.line(line) + "\n" }
    }

    /// A term and what it means.
    mutating func item(_ term: String, _ meaning: String) {
        text += ".TP\n"
        bold(term)
        paragraph(meaning)
    }

    /// Text of several paragraphs; lines that are indented stay as they are.
    mutating func discussion(_ words: String) {
        var isVerbatim = false
        for line in words.split(separator: "\n", omittingEmptySubsequences: false) {
            let indented = line.hasPrefix("  ")
            if indented != isVerbatim {
                text += indented ? ".PP\n.nf\n" : ".fi\n"
                isVerbatim = indented
            }
            if line.isEmpty {
                text += ".PP\n"
            } else if line == "EXAMPLES" {
                bold("Examples")
            } else {
                text += Self.line(line) + "\n"
            }
        }
        if isVerbatim { text += ".fi\n" }
    }

    /// A line of text that is no macro, whatever it begins with.
    private static func line(_ words: Substring) -> String {
        let escaped = escaped(String(words))
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }

    private static func escaped(_ words: String) -> String {
        var result = ""
        for character in words {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "…": result += "..."
            default: result.append(character)
            }
        }
        return result
    }
}
