/// What somebody who comes from JavaScript or Python may have meant where the compiler stopped.
package enum SyntaxHint {
    /// Bytes of a message; a longer one holds a text of the script that does not end.
    private static let messageLimit = 1000

    /// How many lines before the one where the compiler stopped may be the reason.
    package static let lookBack = 40

    /// What stands in a line, and what Lua has instead; the first one that is found counts.
    private static var habits: [(code: Regex<AnyRegexOutput>, remedy: String)] {
        [
            (pattern(#"^\s*//|/\*|//\s*\w+\s+\w+|\*/\s*$"#), "Lua's comments begin with --"),
            (
                pattern(#"\bfor\s*\("#),
                "Lua writes for index, item in ipairs(list) do … end, and for i = 1, 10 do … end"
            ),
            (pattern(#"!=|<>"#), "Lua writes ~= for 'is not equal'"),
            (pattern(#"==="#), "Lua writes == for 'is equal'"),
            (pattern(#"=>"#), "Lua writes functions as function(x) return … end"),
            (pattern(#"\+\+"#), "Lua has no ++; write x = x + 1"),
            (pattern(#"\+="#), "Lua has no +=; write x = x + …"), (pattern(#"-="#), "Lua has no -=; write x = x - …"),
            (pattern(#"\*="#), "Lua has no *=; write x = x * …"), (pattern(#"/="#), "Lua has no /=; write x = x / …"),
            (pattern(#"&&"#), "Lua writes and"), (pattern(#"\|\|"#), "Lua writes or"),
            (pattern(#"\*\*"#), "Lua writes ^ for powers"),
            (
                pattern(#":\s*then\b"#),
                "'then' is a word of Lua: the next step of a workflow is :step, and results come at once, without promises"
            ),
            (pattern(#":\s*while\b"#), "'while' is a word of Lua: a workflow has :loop"),
            (pattern(#":\s*for\b"#), "'for' is a word of Lua: a workflow has :foreach"),
            (pattern(#":\s*if\b"#), "'if' is a word of Lua: a workflow has :branch"),
            (pattern(#"\bawait\b"#), "Lua needs no await: calls give their result when it is there"),
            (pattern(#"\basync\b"#), "functions need no async: calls give their result when it is there"),
            (pattern(#"(^|[);]|\b(then|do|else|repeat)\b)\s*(const|let|var)\s"#), "Lua declares with local"),
            (pattern(#"else\s+if\b"#), elseIf), (pattern(#"\b(elif|elsif)\b"#), "Lua writes elseif"),
            (pattern(#"`"#), "Lua joins texts with .., and writes \"…\" or [[…]]"),
            (pattern(#"\?\."#), "Lua has no ?.; write x and x.y"), (pattern(#"\?\?"#), "Lua has no ??; write x or y"),
            (pattern(#"\?[^:]*:"#), "Lua has no ? :; write condition and x or y"),
            (pattern(#"\bfunction\b[^()]*\([^()]*\)\s*\{"#), "Lua writes function(x) … end, without braces"),
            (pattern(#"\b(if|while)\b.*\)\s*\{"#), "Lua writes if x then … end and while x do … end, without braces"),
            (
                pattern(#"\btry\s*[{:]|\}\s*catch\b|\bexcept\b"#),
                "Lua has no try; write local ok, result = pcall(function() … end)"
            ),
            (pattern(#"\bthrow\b|\braise\b"#), "Lua raises with error(…), a step with aikit.fail { … }"),
            (pattern(#"\b(switch|case)\b"#), "Lua has no switch; write if x == 1 then … elseif x == 2 then … end"),
            (
                pattern(#"(^|[);]|\b(then|do|else|repeat)\b)\s*(import|from)\b"#),
                "Lua writes local name = require \"name\""
            ),
            (
                pattern(#"(^|[);]|\b(then|do|else|repeat)\b)\s*export\b"#),
                "a module returns its table, a script its workflow"
            ),
            (pattern(#"\bclass\b"#), "Lua has no classes; a table of functions does"),
            (pattern(#"\bnew\s+\w"#), "Lua has no new; call the function that makes the value"),
            (pattern(#"\btypeof\b"#), "Lua writes type(x) == \"table\""),
            (pattern(#"\binstanceof\b"#), "Lua has no classes; look at type(x) or at a field"),
            (pattern(#"\b(def|lambda)\b"#), "Lua writes functions as function(x) return … end"),
            (pattern(#"\bis\s+(not\s+)?\w"#), "Lua compares with == and ~="),
            (
                pattern(#"\bcontinue\b"#),
                "Lua has no continue; write goto continue, and ::continue:: before the loop's end"
            ),
            (pattern(#"\.\.\.\s*\w"#), "Lua has no spread of tables; copy their fields in a loop"),
            (pattern(#"(return|[=(,])\s*\[[^\[=]"#), "Lua writes lists with braces: { 1, 2 }"),
            (
                pattern(#"([{,]|^)\s*(\w+|"")\s*:\s*([^:\s]|$)"#),
                "Lua writes fields as name = value, or [\"any name\"] = value"
            ),
            (pattern(#"\b(if|elseif|while)\b[^=~<>]*[^=~<>]=[^=]"#), "Lua compares with =="),
            (pattern(#"!"#), "Lua writes not"),
        ]
    }

    private static let elseIf = "'else if' begins another if with its own end; write elseif"

    private static func pattern(_ text: String) -> Regex<AnyRegexOutput> {
        // Each one is a literal above, which the tests try.
        (try? Regex(text)) ?? Regex(/$^/)
    }

    /// A hint, to follow the compiler's message; empty for none.
    ///
    /// - Parameters:
    ///   - message: the compiler's, without its place.
    ///   - line: where it stopped.
    ///   - before: the lines before that one, in order.
    package static func text(for message: String, line: String?, before: [String] = []) -> String {
        guard let line, message.utf8.count <= messageLimit else { return "" }
        let code = withoutTexts(line)
        if let habit = habits.first(where: { code.contains($0.code) }) { return "; " + habit.remedy }
        let previous = before.map(withoutTexts)
        if let last = previous.last(where: { $0.contains { !$0.isWhitespace } }),
            last.contains(pattern(#"(^|[);]|\b(then|do|else|repeat)\b)\s*(if|elif|else|for|while|def)\b.*:\s*$"#))
        {
            return "; Lua writes if x then … end and for … do … end, without colons"
        }
        guard let near = near(in: message) else { return "" }
        if message.contains("'}' expected"), isWord(near), near != "end" { return "; a comma may be missing before it" }
        if message.contains("'}' expected"), near == "end" { return "; there may be an end too many before it" }
        if ["}", ")", "<eof>"].contains(near),
            message.hasPrefix("unexpected symbol") || message.contains("'end' expected")
        {
            let isElseIf = previous.contains { $0.contains(pattern(#"\belse\s+if\b"#)) }
            return "; " + (isElseIf ? elseIf : "an end may be missing before it")
        }
        return ""
    }

    /// The token at which the compiler stopped.
    private static func near(in message: String) -> String? {
        guard let match = message.firstMatch(of: #/near '?([^']+)'?$/#) else { return nil }
        return String(match.1)
    }

    private static func isWord(_ text: String) -> Bool { text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }

    /// The code of a line, without what stands in quotes or in a comment; a text is left as its quotes.
    private static func withoutTexts(_ line: String) -> String {
        var code = ""
        var quote: Character?
        var previous: Character = " "
        for character in line {
            if let open = quote {
                if character == open, previous != "\\" {
                    quote = nil
                    code.append("\"\"")
                }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "-", previous == "-" {
                code.removeLast()
                break
            } else {
                code.append(character)
            }
            previous = character
        }
        return code
    }
}
