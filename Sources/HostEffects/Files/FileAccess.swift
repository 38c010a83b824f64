internal import CHostSystem
internal import FlatValue
internal import Platform
internal import WorkflowCore

/// Opens files that a permission allows, and nothing else: the kernel checks while it opens, so a link that is put in the way
/// meanwhile leads nowhere.
struct FileAccess {
    /// What is to be done with a file, as messages and options say it.
    enum Purpose: String {
        case read
        case write

        var doing: String { self == .read ? "reading" : "writing" }
    }

    let scope: Permissions.Scope
    let purpose: Purpose

    /// A folder that the operator named, or the one in which a named file lies, and what is meant below it.
    private struct Place {
        var folder: String
        var relative: String
        /// Whether nothing is out of bounds.
        var isFree = false
    }

    private func places(of path: String) -> [Place] {
        switch scope {
        case .nothing: return []
        case .everything: return [Place(folder: "/", relative: FilePath.below("/", path) ?? path, isFree: true)]
        case .only(let roots):
            return roots.compactMap { root in
                if path.isSpelled(like: root), root != "/" {
                    // A name that is a link was meant by who named it.
                    let (folder, name) = FilePath.parent(FilePath.real(root) ?? root)
                    return Place(folder: folder, relative: name)
                }
                return FilePath.below(root, path).map { Place(folder: root, relative: $0) }
            }
        }
    }

    private func denied(_ path: String, real: String? = nil) -> HostFailure {
        let what = real.map { "\(purpose.doing) '\(path)', which leads to '\($0)'," } ?? "\(purpose.doing) '\(path)'"
        let flag = "--allow-\(purpose.rawValue)=\(real ?? path)"
        guard real == nil, let folder = folderMeant(by: path) else { return HostFailure.denied(what, flag: flag) }
        return HostFailure.denied(
            what, flag: flag,
            instead:
                "paths go from the folder in which the process works, \(FilePath.absolute(".")): go on with the run in \(folder)"
        )
    }

    /// The folder from which a relative path would be allowed, as where the run began elsewhere; nil for none.
    private func folderMeant(by path: String) -> String? {
        guard !path.begins(with: "/"), case .only(let roots) = scope else { return nil }
        let parts = FilePath.absolute("/" + path).pieces(between: "/")
        for root in roots {
            for count in (1...max(parts.count, 1)).reversed() where count <= parts.count {
                let end = "/" + parts[..<count].joined(separator: "/")
                if root.ends(with: end) {
                    let folder = root.utf8.dropLast(end.utf8.count)
                    return folder.isEmpty ? "/" : String(Substring(folder))
                }
            }
        }
        return nil
    }

    /// Opens a path; the caller closes the descriptor.
    ///
    /// - Throws: `permission_denied` for what is not allowed, and for links that lead out of what is; else
    ///   ``HostFailure/file(_:_:_:)``.
    func open(_ path: String, _ flags: Int32, mode: mode_t = 0o666) throws(HostFailure) -> Int32 {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalid("'\(path)' is no path") }
        // A folder is never made by being opened.
        let flags = FilePath.namesFolder(path) ? flags & ~O_CREAT | O_DIRECTORY : flags
        var candidates = places(of: FilePath.absolute(path))
        if candidates.isEmpty { throw denied(path) }
        var isSecondLook = false
        var real: String?
        var number: Int32 = ENOENT
        while let place = candidates.popLast() {
            do throws(SystemError) {
                return try open(place, flags, mode)
            } catch {
                number = error.number
            }
            // A link that is absolute, or leads into another folder that is allowed, is opened by where it leads.
            guard number == EXDEV || number == ELOOP || number == ENOTDIR, !isSecondLook, candidates.isEmpty else {
                continue
            }
            isSecondLook = true
            real = Self.target(of: FilePath.absolute(path))
            if let real, !real.isSpelled(like: FilePath.absolute(path)) { candidates = places(of: real) }
        }
        if number == EXDEV || number == ELOOP { throw denied(path, real: real) }
        throw .file(purpose, path, SystemError(number))
    }

    /// Where a path leads: the target, or for one that does not exist its place in the folder's target.
    private static func target(of path: String) -> String? {
        if let real = FilePath.real(path) { return real }
        let (folder, name) = FilePath.parent(path)
        return FilePath.real(folder).map { ($0 == "/" ? "" : $0) + "/" + name }
    }

    private func open(_ place: Place, _ flags: Int32, _ mode: mode_t) throws(SystemError) -> Int32 {
        let folder = openFolder(place.folder)
        guard folder >= 0 else { throw SystemError(errno) }
        defer { close(folder) }
        let relative = place.relative.isEmpty ? "." : place.relative
        let opened =
            place.isFree
            ? openAnywhere(folder, relative, flags | O_CLOEXEC, mode)
            : hs_open_beneath(folder, relative, flags, mode)
        guard opened >= 0 else { throw SystemError(errno) }
        if hs_is_process_file(opened) != 0 {
            close(opened)
            // What /proc shows of this process is not the disk, and past every other permission.
            throw SystemError(EXDEV)
        }
        return opened
    }

    /// Opens the folder that a path lies in, and gives the path's name there; the caller closes the descriptor.
    ///
    /// The path itself has to be allowed. What is then done by name in the folder follows no link.
    func parent(of path: String) throws(HostFailure) -> (folder: Int32, name: String) {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalid("'\(path)' is no path") }
        let absolute = FilePath.absolute(path)
        let (folder, name) = FilePath.parent(absolute)
        guard !name.isEmpty else { throw denied(path) }
        let candidates = places(of: absolute)
        if candidates.isEmpty { throw denied(path) }
        var failure: HostFailure?
        for place in candidates {
            let (inner, last) = FilePath.parent("/" + place.relative)
            do throws(SystemError) {
                var outer = place
                outer.relative = FilePath.below("/", inner) ?? inner
                return (try open(outer, O_RDONLY | O_DIRECTORY, 0), last.isEmpty ? name : last)
            } catch {
                failure =
                    error.number == EXDEV || error.number == ELOOP
                    ? denied(path, real: FilePath.real(folder).map { $0 + "/" + name })
                    : .file(purpose, path, error)
            }
        }
        throw failure ?? denied(path)
    }
}

// `open` is the name of methods here too.
private func openFolder(_ path: String) -> Int32 { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
private func openAnywhere(_ folder: Int32, _ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    openat(folder, path, flags, mode)
}

extension HostFailure {
    /// A failure of the file system: `file_not_found`, `file_exists`, `file_refused` or `file_failed`.
    static func file(_ purpose: FileAccess.Purpose, _ path: String, _ error: SystemError) -> HostFailure {
        let code =
            switch error.number {
            case ENOENT: "file_not_found"
            case EEXIST, ENOTEMPTY: "file_exists"
            case EACCES, EPERM, EROFS: "file_refused"
            default: "file_failed"
            }
        let isPassing = [ENOSPC, EDQUOT, EMFILE, ENFILE, EIO].contains(error.number)
        return HostFailure(
            code, "\(purpose.doing) '\(path)': \(error.message)", retryable: isPassing ? nil : false)
    }
}
