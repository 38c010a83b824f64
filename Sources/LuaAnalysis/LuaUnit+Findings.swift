internal import CLuaBridge
internal import FlatValue
package import WorkflowCore

extension LuaUnit {
    /// The globals that every script has.
    private static let knownGlobals: [String] = (0...).lazy.map { lb_global_name($0) }.prefix { $0 != nil }.map {
        $0.map { String(cString: $0) } ?? ""
    }

    /// What scripts have in place of the globals of other programs and languages.
    private static let habits = [
        "io": "write aikit.fs.read(path) or aikit.fs.write(path, text), and run with --allow-read or --allow-write",
        "console": "write print(…) or context:log(\"info\", …)", "undefined": "Lua says nil",
        "null": "Lua says nil, JSON's is aikit.null",
        "None": "Lua says nil", "True": "Lua says true", "False": "Lua says false", "this": "Lua says self, in methods",
        "JSON": "write aikit.json.encode(…) and aikit.json.decode(…)", "fetch": "write aikit.http.get(…)",
        "setTimeout": "write aikit.sleep(…)", "await": "calls give their result when it is there, without await",
        "async": "functions need no async", "Promise": "write aikit.all { … }", "len": "Lua writes #list",
        "new": "Lua has no new; call the function that makes the value", "throw": "write error(…) or aikit.fail { … }",
        "raise": "write error(…) or aikit.fail { … }", "Date": "write aikit.now() or os.date(…)",
        "process": "write aikit.env.get(\"NAME\"), and run with --allow-env=NAME",
        "Object": "write for key, value in pairs(fields) do … end", "Array": "a list is a table: { 1, 2 }",
        "typeof": "write type(x)", "range": "write for i = 1, n do … end", "str": "write tostring(…)",
        "int": "write math.tointeger(…) or tonumber(…)", "def": "Lua writes functions as function(x) return … end",
        "continue": "write goto continue, and ::continue:: before the loop's end",
        "try": "write pcall(function() … end)",
        "Error": "write error(…) or aikit.fail { … }", "Number": "write tonumber(…)", "String": "write tostring(…)",
        "parseInt": "write math.tointeger(…) or tonumber(…)", "module": "a module returns its table",
        "exports": "a module returns its table",
    ]

    /// How many names a file is told of.
    private static let findingLimit = 100

    /// Names that stand for nothing: reading one, or giving it a value, raises an error once the code comes to it.
    package func undefinedGlobals(in path: String) -> [DefinitionIssue] {
        if hasOwnGlobals { return [] }
        var seen: Set<String> = []
        let unknown = globals.filter { mention in
            !mention.isGuarded && !Self.knownGlobals.contains(mention.name) && !declared.contains(mention.name)
                && seen.insert(mention.name).inserted
        }
        let findings = unknown.prefix(Self.findingLimit + 1).map { mention in
            let name = mention.shownName
            if mention.isAssignment {
                return mention.issue(
                    "undefined_global", "there is no global '\(name)' to assign to; declare it: local \(name) = …",
                    in: path)
            }
            let hint = Self.habits[name].map { "; \($0)" } ?? suggestion(for: name, in: Self.knownGlobals)
            return mention.issue("undefined_global", "there is no global '\(name)'\(hint)", in: path)
        }
        return Self.shortened(findings, of: unknown.count, "more names that nothing has")
    }

    /// As many of a file's findings as somebody reads, and how many more there are: "and 7 more names that nothing has".
    ///
    /// - Parameters:
    ///   - findings: the first ones, more than ``findingLimit`` where there are so many.
    ///   - count: how many there are in all.
    package static func shortened(_ findings: [DefinitionIssue], of count: Int, _ words: String) -> [DefinitionIssue] {
        guard findings.count > findingLimit else { return findings }
        var rest = findings[findingLimit]
        rest.message = "and \(count - findingLimit) \(words)"
        return findings[..<findingLimit] + [rest]
    }
}

extension LuaUnit.Mention {
    /// The name, shortened where nobody would read it whole.
    package var shownName: String { name.utf8.count <= 80 ? name : String(name.prefix(79)) + "…" }

    package func issue(
        _ code: String, _ message: String, in path: String, _ severity: DefinitionIssue.Severity = .error
    ) -> DefinitionIssue {
        DefinitionIssue(message: message, location: "\(path):\(line)", path: "", code: code, severity: severity)
    }
}
