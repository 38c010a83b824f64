internal import CLuaBridge
internal import JSONSchema
internal import Platform
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

/// What the program was linked with and runs on.
enum Platform {
    static var findings: [Finding] {
        [
            Finding(name: "aikit-lua", text: engineVersion),
            library("Lua", luaRelease, file: "liblua"),
            library("SQLite", SQLiteLibrary.version, file: "libsqlite3"),
            library("PCRE2", RegexLibrary.version, file: "libpcre2"),
            Finding(name: "system", text: system),
            Finding(name: "processors", text: "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"),
            Finding(
                name: "terminal",
                text: TextStream.errors.isTerminal
                    ? "\(TextStream.errors.width) × \(TextStream.errors.height)"
                        + (TextStream.errors.hasColours ? ", colours" : ", no colours")
                    : "standard error is none"),
        ]
    }

    /// A library that the program runs on, by what it says of itself, and where it was loaded from.
    private static func library(_ name: String, _ release: String, file: String) -> Finding {
        Finding(name: name, text: "\(release), \(loadedFile(named: file) ?? "linked into the program")")
    }

    /// The release of the Lua library that runs, such as `5.4.6`, by the mark that it carries.
    private static var luaRelease: String {
        // "$LuaVersion: Lua 5.4.4  Copyright (C) …"
        let words = String(cString: lb_lua_ident()).split(separator: " ")
        return words.count > 2 ? words[1...2].joined(separator: " ") : "Lua 5.4"
    }

    private static var system: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(names.sysname)) \(text(names.release)), \(text(names.machine))"
    }

    /// The path of a shared library of this process, where the system tells.
    private static func loadedFile(named name: String) -> String? {
        guard case .success(let bytes) = FileText.read("/proc/self/maps", limit: 16 << 20) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            guard let start = line.firstIndex(of: "/") else { continue }
            let path = line[start...]
            if path.split(separator: "/").last?.hasPrefix(name) == true { return String(path) }
        }
        return nil
    }
}
