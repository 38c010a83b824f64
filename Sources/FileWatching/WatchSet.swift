/// The directories to watch, and the names in each that matter, so that no change of some files goes unseen.
///
/// Directories are watched and not files, as editors save by renaming another file into place. A path may lead through
/// symbolic links, each of which may be replaced: so every directory that holds a link on the way is watched too. Of a path
/// that ends before its last part the place is watched at which the missing part would come.
struct WatchSet: Equatable {
    /// What stands at a path.
    enum Node: Equatable {
        case missing
        case file
        case directory
        case link(to: String)
    }

    /// Directories without links in their paths, with the names of their entries that matter; the empty name stands for all.
    private(set) var names: [String: Set<String>] = [:]

    /// As many links as a path may lead through, like the system's own limit.
    private static let linkLimit = 40

    /// - Parameters:
    ///   - paths: absolute paths of files.
    ///   - folders: absolute paths of folders of which every entry matters.
    ///   - node: what stands at an absolute path, itself and not what it links to.
    init(paths: [String], folders: [String] = [], node: (String) -> Node) {
        for path in paths {
            // A folder that stands where the file is to be may give way to it.
            if let found = follow(path, node), let last = found.last { note(last, in: found.dropLast()) }
        }
        for folder in folders { if let found = follow(folder, node) { note("", in: found) } }
    }

    /// Notes what lies on the way to a path; the directory that it leads to, if it is one.
    private mutating func follow(_ path: String, _ node: (String) -> Node) -> [Substring]? {
        var directory: [Substring] = []
        var rest = path.split(separator: "/")[...]
        var links = 0
        while let part = rest.popFirst() {
            if part == "." { continue }
            if part == ".." {
                _ = directory.popLast()
                continue
            }
            switch node(Self.path(directory + [part])) {
            case .directory: directory.append(part)
            case .link(let target):
                note(part, in: directory)
                links += 1
                guard links <= Self.linkLimit else { return nil }
                if target.hasPrefix("/") { directory = [] }
                rest = (target.split(separator: "/") + rest)[...]
            case .file, .missing:
                note(part, in: directory)
                return nil
            }
        }
        return directory
    }

    private mutating func note(_ name: Substring, in directory: some Collection<Substring>) {
        names[Self.path(directory), default: []].insert(String(name))
    }

    private static func path(_ parts: some Collection<Substring>) -> String { "/" + parts.joined(separator: "/") }

    /// Whether a change of an entry matters.
    func matters(_ name: String, in directory: String) -> Bool {
        names[directory].map { $0.contains(name) || $0.contains("") } ?? false
    }
}
