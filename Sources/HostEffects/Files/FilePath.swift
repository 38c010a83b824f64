internal import FlatValue
internal import Platform

/// Paths as texts: nothing here looks at the disk but the working folder.
package enum FilePath {
    /// The path from the root, relative ones from the working folder, without `.`, `..` and doubled slashes.
    ///
    /// `a/../b` is `b` even where `a` is a link that leads elsewhere; what is opened is checked again by the kernel.
    package static func absolute(_ path: String) -> String {
        var parts: [Substring] = []
        let whole = path.begins(with: "/") ? path : workingFolder + "/" + path
        for part in whole.pieces(between: "/") {
            if part.isSpelled(like: "..") {
                _ = parts.popLast()
            } else if !part.isSpelled(like: ".") {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether a path is one of a folder by its last byte or name, as in `a/`, `a/.` and `a/b/..`: what there is may be nothing
    /// else then.
    static func namesFolder(_ path: String) -> Bool {
        let last = path.pieces(between: "/", omittingEmpty: false).last ?? ""
        return ["", ".", ".."].contains { last.isSpelled(like: $0) }
    }

    private static var workingFolder: String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The path with every link in it followed; nil where it does not exist.
    static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// What lies below a folder: `b/c` for `/a/b/c` below `/a`, empty for the folder itself, nil for all else.
    static func below(_ folder: String, _ path: String) -> String? {
        if path.isSpelled(like: folder) { return "" }
        return path.rest(after: folder.ends(with: "/") ? folder : folder + "/").map(String.init)
    }

    /// The folder that an absolute path lies in, and its name there.
    static func parent(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastPlace(of: "/") else { return ("/", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.utf8.index(after: slash)...]))
    }
}

extension Permissions.Scope {
    /// Reads the values of an option for files: what is relative is so to the working folder, now and for good.
    package init(paths values: [String]) { self = Self(values).absolute }

    /// Reads the values of an option for programs: a relative path is so to the working folder, now and for good.
    package init(programs values: [String]) { self = Self(values).rooted }

    /// The same with each name as a path from the root.
    package var absolute: Self {
        if case .only(let names) = self { .only(names.map(FilePath.absolute)) } else { self }
    }

    /// The same with each name that is a path as one from the root, and all others as they are: `git` is one that PATH leads to.
    package var rooted: Self {
        guard case .only(let names) = self else { return self }
        return .only(names.map { $0.has(byte: "/") ? FilePath.absolute($0) : $0 })
    }
}
