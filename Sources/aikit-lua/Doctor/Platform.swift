internal import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What the program was linked with and runs on.
enum Platform {
    static var findings: [Finding] {
        [
            Finding(name: "aikit-lua", text: engineVersion), lua, library("SQLite", sqliteVersion),
            Finding(name: "processors", text: "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"),
            Finding(
                name: "terminal",
                text: TextStream.errors.isTerminal
                    ? "\(TextStream.errors.width) × \(TextStream.errors.height)"
                        + (TextStream.errors.hasColours ? ", colours" : ", no colours")
                    : "standard error is none"),
        ]
    }

    /// The release of the library, by the mark that it carries, and where it was loaded from.
    private static var lua: Finding {
        var release = "Lua 5.4"
        if let mark = symbol("lua_ident") {
            // "$LuaVersion: Lua 5.4.4  Copyright (C) …"
            let words = String(cString: mark.assumingMemoryBound(to: CChar.self)).split(separator: " ")
            if words.count > 2 { release = words[1...2].joined(separator: " ") }
        }
        return Finding(name: "Lua", text: "\(release), \(loadedFile(named: "liblua") ?? "linked into the program")")
    }

    private static func library(_ name: String, _ version: String?) -> Finding {
        guard let version else { return Finding(name: name, text: "not linked", state: .doubtful) }
        return Finding(name: name, text: version)
    }

    private static var sqliteVersion: String? {
        guard let function = symbol("sqlite3_libversion") else { return nil }
        typealias Version = @convention(c) () -> UnsafePointer<CChar>
        return String(cString: unsafeBitCast(function, to: Version.self)())
    }

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(dlopen(nil, RTLD_NOW), name) }

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
