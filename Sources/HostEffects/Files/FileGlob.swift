internal import FlatValue
internal import Platform
internal import WorkflowCore

/// Finds paths by a pattern: `*` and `?` within a name, `[a-z]`, and `**` for any folders. Links to folders are not entered by
/// `**`, and names with a dot first are matched only by a dot.
struct FileGlob {
    /// Entries that are looked at.
    private static let limit = 1_000_000

    private let access: FileAccess

    init(_ access: FileAccess) { self.access = access }

    /// The paths, in order, as the pattern begins: relative or from the root.
    func matches(_ pattern: String) throws(HostFailure) -> Value {
        let parts = Self.parts(of: pattern)
        guard !parts.isEmpty, parts.count <= 64, pattern.utf8.count <= 4096 else {
            throw .invalid("'\(pattern)' is no pattern of paths")
        }
        let fixed = parts.prefix { !Self.isPattern($0) }
        let isRooted = pattern.begins(with: "/")
        let base = (isRooted ? "/" : "") + fixed.joined(separator: "/")
        var search = Search(left: Self.limit, foldersOnly: pattern.ends(with: "/"))
        if fixed.count == parts.count {
            // No pattern at all: the path itself, where it is.
            do throws(HostFailure) {
                let kind = search.foldersOnly ? O_DIRECTORY : 0
                close(try access.open(base, O_RDONLY | O_NONBLOCK | O_NOCTTY | kind))
                search.found = [base]
            } catch  where error.code == "file_not_found" || search.foldersOnly && error.code == "file_failed" {
                search.found = []
            }
        } else {
            try walk(base, Array(parts[fixed.count...])[...], &search, isFirst: true)
        }
        return Value(array: Set(search.found.map(ByteText.init)).map(\.text).sorted().map { Value($0) })
    }

    private struct Search {
        var left: Int
        /// The pattern ends with a slash, so that it names folders, and links to some.
        let foldersOnly: Bool
        var found: [String] = []
        /// Where the search has been: what a `**` leads to on two ways is looked at once.
        var visited: Set<Place> = []
    }

    /// A folder, and what is looked for in it: a part of the pattern, and how many parts there are from it on.
    private struct Place: Hashable {
        let folder: ByteText
        let part: ByteText
        let left: Int
    }

    /// The names of a pattern; a `**` behind another one finds nothing more.
    private static func parts(of pattern: String) -> [String] {
        pattern.pieces(between: "/").reduce(into: []) { parts, part in
            if part != "**" || parts.last != "**" { parts.append(String(part)) }
        }
    }

    private static func isPattern(_ part: String) -> Bool { ["*", "?", "["].contains(where: part.has) }

    private func walk(
        _ folder: String, _ parts: ArraySlice<String>, _ search: inout Search, isFirst: Bool = false
    ) throws(HostFailure) {
        guard let part = parts.first else { return }
        guard search.visited.insert(Place(folder: ByteText(folder), part: ByteText(part), left: parts.count)).inserted
        else { return }
        if Task.isCancelled { throw HostFailure("cancelled", "the search was given up", retryable: false) }
        let rest = parts.dropFirst()
        let entries: [(name: String, type: FileType)]
        do throws(HostFailure) {
            let descriptor = try access.open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
            entries = FolderListing.read(descriptor, limit: search.left) ?? []
        } catch {
            // A folder that is gone, or that a link of the tree leads to and nobody allowed, has no matches.
            if isFirst, error.code == "permission_denied" { throw error }
            return
        }
        search.left -= entries.count + 1
        guard search.left > 0 else {
            throw HostFailure("too_large", "the pattern looks at more than a million files", retryable: false)
        }
        if part == "**" { try walk(folder, rest.isEmpty ? ["*"] : rest, &search) }
        for entry in entries {
            let path = folder.isEmpty || folder.ends(with: "/") ? folder + entry.name : folder + "/" + entry.name
            if part == "**" {
                if entry.type == .directory, !entry.name.begins(with: ".") { try walk(path, parts, &search) }
            } else if Self.fits(Array(entry.name.utf8)[...], Array(part.utf8)[...], isStart: true) {
                if rest.isEmpty {
                    if !search.foldersOnly || isFolder(path, entry.type) { search.found.append(path) }
                } else if entry.type == .directory || entry.type == .link {
                    try walk(path, rest, &search)
                }
            }
        }
    }

    /// Whether there is a folder, or a link that leads to one which may be opened.
    private func isFolder(_ path: String, _ type: FileType) -> Bool {
        guard type == .link, let descriptor = try? access.open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK) else {
            return type == .directory
        }
        close(descriptor)
        return true
    }

    /// Whether a name fits a pattern; goes back to the last `*` only, so that the time is bounded by both lengths' product.
    static func fits(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>, isStart: Bool) -> Bool {
        let (dot, star) = (UInt8(ascii: "."), UInt8(ascii: "*"))
        if isStart, name.first == dot, pattern.first != dot { return false }
        var (name, pattern) = (name, pattern)
        var resume: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while true {
            if let next = pattern.first, next == star {
                pattern = pattern.dropFirst()
                resume = (name, pattern)
                continue
            }
            if name.isEmpty, pattern.isEmpty { return true }
            if !name.isEmpty, let rest = one(name[name.startIndex], pattern) {
                name = name.dropFirst()
                pattern = rest
                continue
            }
            guard let last = resume, !last.name.isEmpty else { return false }
            name = last.name.dropFirst()
            pattern = last.pattern
            resume = (name, pattern)
        }
    }

    /// What is left of the pattern once its first element has taken a byte; nil where it does not fit.
    private static func one(_ byte: UInt8, _ pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = pattern.first else { return nil }
        if first == UInt8(ascii: "?") { return pattern.dropFirst() }
        if first == UInt8(ascii: "["), let end = pattern.dropFirst(2).firstIndex(of: UInt8(ascii: "]")) {
            var set = pattern[(pattern.startIndex + 1)..<end]
            let isInverse = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
            if isInverse { set = set.dropFirst() }
            var isIn = false
            while let low = set.first {
                if set.count >= 3, set[set.startIndex + 1] == UInt8(ascii: "-") {
                    isIn = isIn || low <= byte && byte <= set[set.startIndex + 2]
                    set = set.dropFirst(3)
                } else {
                    isIn = isIn || low == byte
                    set = set.dropFirst()
                }
            }
            return isIn != isInverse ? pattern[(end + 1)...] : nil
        }
        return first == byte ? pattern.dropFirst() : nil
    }
}
