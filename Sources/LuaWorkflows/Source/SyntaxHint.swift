/// What somebody who comes from JavaScript or Python may have meant where the compiler stopped.
enum SyntaxHint {
    /// What stands in a line, and what Lua has instead; the first one that is found counts.
    private static let habits: [(text: String, remedy: String)] = [
        ("!==", "Lua writes ~= for 'is not equal'"), ("!=", "Lua writes ~= for 'is not equal'"),
        ("===", "Lua writes == for 'is equal'"), ("=>", "Lua writes functions as function(x) return … end"),
        ("+=", "Lua has no +=; write x = x + …"), ("-=", "Lua has no -=; write x = x - …"),
        ("*=", "Lua has no *=; write x = x * …"), ("++", "Lua has no ++; write x = x + 1"),
        ("&&", "Lua writes and"), ("||", "Lua writes or"),
        (":then", "'then' is a word of Lua; results come at once, without promises"),
        ("await ", "Lua needs no await: calls give their result when it is there"),
        ("const ", "Lua declares with local"), ("let ", "Lua declares with local"), ("var ", "Lua declares with local"),
        ("else if", "'else if' begins another if with its own end; write elseif"), ("`", "Lua joins texts with .."),
        ("?.", "Lua has no ?.; write x and x.y"), ("!", "Lua writes not"),
    ]

    /// A hint for a line that is no Lua, to follow the compiler's message; empty for none.
    static func text(for line: String?) -> String {
        guard let line else { return "" }
        let code = withoutTexts(line)
        guard let habit = habits.first(where: { code.contains($0.text) }) else { return "" }
        return "; " + habit.remedy
    }

    /// The code of a line, without what stands in quotes or in a comment.
    private static func withoutTexts(_ line: String) -> String {
        var code = ""
        var quote: Character?
        var previous: Character = " "
        for character in line {
            if let open = quote {
                if character == open, previous != "\\" { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "-", previous == "-" {
                break
            } else {
                code.append(character)
            }
            previous = character
        }
        return code
    }
}
