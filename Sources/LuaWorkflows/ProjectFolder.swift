internal import FlatValue
internal import Platform

/// The folder that a script's project begins in: the nearest one above that holds one of the marks, else the script's own.
package enum ProjectFolder {
    /// What stands in the folder that a project begins with.
    package static let marks = [".luarc.json", ".git", ".aikit"]

    /// Whether a file lies in the project of a folder once every symbolic link is followed. One that is missing lies where it
    /// would be made, and nothing lies outside of a folder that is missing.
    package static func contains(_ path: String, from folder: String) -> Bool {
        guard let own = resolved(folder.isEmpty ? "." : folder) else { return true }
        guard let file = place(of: path) else { return false }
        return isBelow(file, own) || isBelow(file, root(of: own))
    }

    /// The path with the links of all folders followed that are there; nil when it goes up from one that is not.
    private static func place(of path: String) -> String? {
        if let real = resolved(path) { return real }
        let slash = path.lastPlace(of: "/")
        let name = slash.map { path[path.utf8.index(after: $0)...] } ?? path[...]
        guard name != "..", path != "/", !path.isEmpty else { return nil }
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        return place(of: parent).map { $0 + "/" + name }
    }

    private static func isBelow(_ path: String, _ folder: String) -> Bool {
        path.begins(with: folder.ends(with: "/") ? folder : folder + "/")
    }

    /// - Parameter folder: absolute, without symbolic links.
    private static func root(of folder: String) -> String {
        var current = folder
        while current.utf8.count > 1 {
            if marks.contains(where: { access("\(current)/\($0)", F_OK) == 0 }) { return current }
            guard let slash = current.lastPlace(of: "/"), slash > current.startIndex else { break }
            current = String(current[..<slash])
        }
        return folder
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
