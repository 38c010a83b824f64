internal import FlatValue
internal import LuaWorkflows
internal import Platform

/// Finds test files, and the folders in which each of them looks for modules.
enum TestDiscovery {
    static let suffix = "_test.lua"

    /// The test files at and below paths, sorted, each once. A file that is named is taken whatever its name.
    static func files(at paths: [String]) throws(UsageError) -> [String] { try survey(paths).files }

    /// The test files at and below paths, and the folders in which others may come.
    static func survey(_ paths: [String]) throws(UsageError) -> (files: [String], folders: [String]) {
        var found: Set<String> = []
        var folders: Set<String> = []
        try ProjectFolders.visit(paths, folder: { folders.insert($0) }) { path, isNamed in
            if isNamed || path.hasSuffix(suffix) { found.insert(path) }
        }
        return (found.sorted(), folders.sorted())
    }

    /// Where a test file's modules are looked for: beside it, then in each folder above up to the project's.
    ///
    /// The project begins in the nearest folder above with a `.luarc.json`, a `.git` or an `.aikit`, else in the folder in
    /// which the program was started, where the file lies below it. A file below the latter may have its project above it.
    static func moduleFolders(of file: String) -> [String] {
        let own = String(file.folderPart)
        var folders = [own]
        var current = own
        while !isProject(current) {
            guard let above = folderAbove(current), folders.count < 64 else {
                return isBelowHere(own) ? folders + foldersAboveHere : [own]
            }
            current = above
            folders.append(current)
        }
        return folders
    }

    /// The folders above the one where the program was started, to that in which its project begins; none without a project.
    private static var foldersAboveHere: [String] {
        var folders: [String] = []
        var current = "../"
        while folders.count < 64 {
            folders.append(current)
            if isProject(current) { return folders }
            current += "../"
        }
        return []
    }

    private static func isProject(_ folder: String) -> Bool {
        ProjectFolder.marks.contains { access(folder + $0, F_OK) == 0 }
    }

    /// Whether a relative folder leads down from where the program was started.
    private static func isBelowHere(_ folder: String) -> Bool { !folder.hasPrefix("/") && !folder.hasPrefix("../") }

    /// The folder above, as far as the path has names; nil above the one where the program was started, and above `/`.
    private static func folderAbove(_ folder: String) -> String? {
        let trimmed = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        guard !trimmed.isEmpty, trimmed != ".", !trimmed.hasSuffix("..") else { return nil }
        guard let slash = trimmed.lastIndex(of: "/") else { return "" }
        return String(trimmed[...slash])
    }
}
