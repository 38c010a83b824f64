internal import Platform

/// A project that is about to be made in a folder.
struct NewProject {
    let folder: String
    let template: ProjectTemplate

    /// The folder as a shell takes it.
    var shellFolder: String {
        let isPlain = folder.utf8.allSatisfy { byte in
            byte >= 0x80 || "-_./~+".utf8.contains(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                || byte >= 0x30 && byte <= 0x39
        }
        let trimmed = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return isPlain
            ? trimmed
            : "'" + trimmed.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// The files that are to be written, by their paths in the folder.
    func files() throws -> [(path: String, text: String)] {
        let types = [
            (".luarc.json", EditorSettings.text(naming: EditorSettings.folder)),
            (EditorSettings.folder + "/aikit.lua", try LibraryDocument.text(.types)),
            (EditorSettings.folder + "/aikit-test.lua", try LibraryDocument.text(.testTypes)),
        ]
        return template.files.map { ($0.path, filled($0.text)) } + types
    }

    /// A text with the names of this project in it.
    private func filled(_ text: String) -> String {
        let name = template.scriptName
        let values = [
            "{project}": projectName, "{summary}": template.summary, "{script}": name + ".lua",
            "{tests}": name + "_test.lua", "{run}": template.runCommand,
        ]
        return values.reduce(text) { text, entry in
            text.split(separator: entry.key, omittingEmptySubsequences: false).joined(separator: entry.value)
        }
    }

    /// The last name of the folder's whole path.
    private var projectName: String {
        let resolved = realpath(folder, nil)
        defer { free(resolved) }
        let path = resolved.map { String(cString: $0) } ?? folder
        return path.split(separator: "/").last.map(String.init) ?? "project"
    }

    /// What a folder may have before it becomes a project: it is left as it is.
    private static let kept = "README.md"

    /// Writes all files, or none when one of them is there, a README aside.
    func write(_ files: [(path: String, text: String)]) throws(UsageError) {
        try refuseWhatIsThere(files)
        for file in files where file.path != Self.kept || access(path(file.path), F_OK) != 0 {
            let path = path(file.path)
            if let failure = FileText.makeFolders(of: path) ?? FileText.write(file.text, to: path) {
                throw UsageError("cannot write \(path): \(failure)")
            }
        }
    }

    /// Writes the classes of the new script's schemas, as `types` does when they change.
    func writeClasses() throws {
        let name = EditorSettings.folder + "/project.lua"
        let text = try LibraryDocument.classes(of: [path(template.scriptName + ".lua")], print: { _ in })
        if let failure = FileText.write(text, to: path(name)) {
            throw UsageError("cannot write \(path(name)): \(failure)")
        }
    }

    private func refuseWhatIsThere(_ files: [(path: String, text: String)]) throws(UsageError) {
        var info = stat()
        if stat(folder, &info) == 0, info.st_mode & S_IFMT != S_IFDIR { throw UsageError("\(folder) is a file") }
        let present = files.map(\.path).filter { $0 != Self.kept && access(path($0), F_OK) == 0 }
        guard present.isEmpty else {
            throw UsageError("\(folder) has \(present.joined(separator: ", ")) already; nothing was written")
        }
    }

    private func path(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : folder + "/" + name }
}
