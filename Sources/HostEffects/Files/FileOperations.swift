internal import CHostSystem
internal import FlatValue
internal import Platform
internal import WorkflowCore

// `stat` and `read` are the names of methods here too.
private typealias FileInfo = stat
private func readBytes(_ descriptor: Int32, _ to: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, to, count)
}

/// What `aikit.fs` does, each call by itself: regular files only, bounded, and never a wait for somebody else.
struct FileOperations {
    static let usualSizeLimit = 16 << 20
    static let largestSizeLimit = 256 << 20
    /// Entries that one listing may have.
    static let listLimit = 100_000

    let reading: FileAccess
    let writing: FileAccess

    init(_ permissions: Permissions) {
        reading = FileAccess(scope: permissions.read, purpose: .read)
        writing = FileAccess(scope: permissions.write, purpose: .write)
    }

    /// Carries out `fs.NAME`; nil where there is no such operation.
    func perform(_ name: String, _ payload: Value) throws(HostFailure) -> Value? {
        let path = payload["path"]?.string ?? ""
        switch name {
        case "fs.read": return try read(path, payload)
        case "fs.write": try write(path, Self.data(payload))
        case "fs.append": try append(path, Self.data(payload))
        case "fs.list": return try list(path)
        case "fs.stat": return try stat(path)
        case "fs.glob": return try FileGlob(reading).matches(payload["pattern"]?.string ?? "")
        case "fs.temp": return try temporary(path, payload["prefix"]?.string ?? "")
        case "fs.remove": try remove(path, recursively: payload["recursive"]?.bool == true)
        case "fs.mkdir": try makeFolder(path)
        default: return nil
        }
        return .null
    }

    private static func data(_ payload: Value) throws(HostFailure) -> [UInt8] {
        guard let data = payload["data"]?.withCursor({ $0.stringBytes.map(Array.init) }) else {
            throw .invalid("data takes text")
        }
        return data
    }

    // MARK: Reading

    /// A regular file, opened; what else there is at a path (a pipe, a device) is refused without a wait.
    private func openFile(
        _ access: FileAccess, _ path: String, _ flags: Int32
    ) throws(HostFailure) -> (descriptor: Int32, info: FileInfo) {
        let descriptor = try access.open(path, flags | O_NONBLOCK | O_NOCTTY)
        var info = FileInfo()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            let isFolder = info.st_mode & S_IFMT == S_IFDIR
            close(descriptor)
            throw HostFailure(
                isFolder ? "is_directory" : "file_refused",
                "\(access.purpose.doing) '\(path)': it is \(isFolder ? "a folder" : "no regular file")",
                retryable: false)
        }
        return (descriptor, info)
    }

    /// The bytes of a file, or those from `offset` on, at most `length`.
    private func read(_ path: String, _ payload: Value) throws(HostFailure) -> Value {
        let (descriptor, info) = try openFile(reading, path, O_RDONLY)
        defer { close(descriptor) }
        let part = payload["length"]?.int
        let limit = try ByteLimit.read(
            payload[part == nil ? "max_size" : "length"], part == nil ? "max_size" : "length",
            usual: Self.usualSizeLimit, largest: Self.largestSizeLimit)
        let tooLarge = HostFailure(
            "too_large", "'\(path)' is larger than \(limit) bytes; max_size raises the limit", retryable: false)
        if part == nil, info.st_size > limit { throw tooLarge }
        if let offset = payload["offset"]?.int, lseek(descriptor, off_t(max(offset, 0)), SEEK_SET) < 0 {
            throw .file(.read, path, SystemError(errno))
        }
        var arena = ByteArena()
        defer { arena.deallocate() }
        var share = EffectMemory.Share()
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while part == nil || arena.count < limit {
            let wanted = part == nil ? chunk.count : min(chunk.count, limit - arena.count)
            let count = chunk.withUnsafeMutableBytes { readBytes(descriptor, $0.baseAddress, wanted) }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .file(.read, path, SystemError(errno))
            }
            // A file may grow while it is read.
            if part == nil, arena.count + count > limit { throw tooLarge }
            // Here, and in the value that is made of it.
            try share.take(count, copies: 2)
            chunk.withUnsafeBytes { arena.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        let bytes = arena.bytes
        return Value { $0.writeString(bytes) }
    }

    /// `{ name, type }` of each entry, in the order of the names.
    private func list(_ path: String) throws(HostFailure) -> Value {
        let folder = try reading.open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
        guard let entries = FolderListing.read(folder, limit: Self.listLimit) else {
            throw HostFailure("too_large", "'\(path)' has more than \(Self.listLimit) entries", retryable: false)
        }
        return Value(array: entries.map { ["name": Value($0.name), "type": Value($0.type.rawValue)] })
    }

    /// `{ type, size, modified, mode }`, the time in milliseconds since 1970; null where there is nothing. Links are followed.
    private func stat(_ path: String) throws(HostFailure) -> Value {
        let descriptor: Int32
        do throws(HostFailure) {
            descriptor = try reading.open(path, hs_flags_for_stat)
        } catch {
            if error.code == "file_not_found" { return .null }
            throw error
        }
        defer { close(descriptor) }
        var info = FileInfo()
        guard fstat(descriptor, &info) == 0 else { throw .file(.read, path, SystemError(errno)) }
        #if canImport(Darwin)
            let time = info.st_mtimespec
        #else
            let time = info.st_mtim
        #endif
        return [
            "type": Value(FileType(mode: info.st_mode).rawValue), "size": Value(Int64(info.st_size)),
            "modified": Value(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000),
            "mode": Value(Int64(info.st_mode & 0o7777)),
        ]
    }

    // MARK: Writing

    /// Writes a file in one step, so that whoever reads it sees the old bytes or the new ones.
    ///
    /// A link at the path is replaced, not followed, and a file with several names keeps its bytes under the others.
    private func write(_ path: String, _ data: [UInt8]) throws(HostFailure) {
        let (folder, name) = try writing.parent(of: path)
        defer { close(folder) }
        var info = FileInfo()
        let isThere = fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0
        let type = info.st_mode & S_IFMT
        if isThere, type == S_IFDIR { throw .file(.write, path, SystemError(EISDIR)) }
        if FilePath.namesFolder(path) { throw .file(.write, path, SystemError(isThere ? ENOTDIR : EISDIR)) }
        // A pipe, a socket or a device is somebody's; a file in its place would cut them off.
        guard !isThere || type == S_IFREG || type == S_IFLNK else {
            throw HostFailure("file_refused", "writing '\(path)': it is no regular file", retryable: false)
        }
        let (draft, descriptor) = try makeDraft(in: folder, for: path)
        do throws(SystemError) {
            defer { close(descriptor) }
            if isThere, info.st_mode & S_IFMT == S_IFREG {
                fchmod(descriptor, info.st_mode & 0o777)
            } else {
                fchmod(descriptor, 0o666 & ~Self.mask)
            }
            try Descriptor.writeAll(descriptor, data)
            if fsync(descriptor) != 0 { throw SystemError(errno) }
        } catch {
            unlinkat(folder, draft, 0)
            throw .file(.write, path, error)
        }
        let status = hs_replace(folder, draft, name)
        if status != 0 {
            unlinkat(folder, draft, 0)
            throw .file(.write, path, SystemError(status))
        }
    }

    private static let mask: mode_t = {
        let mask = umask(0o022)
        umask(mask)
        return mask
    }()

    private func makeDraft(in folder: Int32, for path: String) throws(HostFailure) -> (name: String, Int32) {
        var number: Int32 = EEXIST
        for _ in 0..<16 where number == EEXIST {
            let name = ".aikit-\(String(UInt64.random(in: .min ... .max), radix: 36)).new"
            let descriptor = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return (name, descriptor) }
            number = errno
        }
        throw .file(.write, path, SystemError(number))
    }

    private func append(_ path: String, _ data: [UInt8]) throws(HostFailure) {
        let (descriptor, _) = try openFile(writing, path, O_WRONLY | O_APPEND | O_CREAT)
        defer { close(descriptor) }
        do throws(SystemError) {
            try Descriptor.writeAll(descriptor, data)
        } catch {
            throw .file(.write, path, error)
        }
    }

    /// Makes an empty file with a name of its own in a folder, that of the system unless one is given; its path.
    private func temporary(_ path: String, _ prefix: String) throws(HostFailure) -> Value {
        guard !prefix.has(byte: "/"), !prefix.has(byte: "\0"), prefix.utf8.count <= 100 else {
            throw .invalid("'\(prefix)' is no beginning of a name")
        }
        let folder = path.isEmpty ? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" : path
        var number: Int32 = EEXIST
        for _ in 0..<16 where number == EEXIST {
            let name = "\(prefix)\(String(UInt64.random(in: .min ... .max), radix: 36))"
            let whole = folder.ends(with: "/") ? folder + name : folder + "/" + name
            let (parent, last) = try writing.parent(of: whole)
            defer { close(parent) }
            let descriptor = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                close(descriptor)
                return Value(whole)
            }
            number = errno
        }
        throw .file(.write, folder, SystemError(number))
    }

    /// Makes a folder and those above it; one that is there already is no error.
    private func makeFolder(_ path: String) throws(HostFailure) {
        var missing: [String] = []
        var next = FilePath.absolute(path)
        while true {
            let (folder, name) = try parent(of: next, for: path, &missing)
            guard folder >= 0 else {
                next = FilePath.parent(next).folder
                continue
            }
            defer { close(folder) }
            if mkdirat(folder, name, 0o777) != 0, errno != EEXIST { throw .file(.write, path, SystemError(errno)) }
            guard let below = missing.popLast() else { break }
            next = below
        }
        var info = FileInfo()
        let (folder, name) = try writing.parent(of: path)
        defer { close(folder) }
        guard fstatat(folder, name, &info, 0) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw .file(.write, path, SystemError(EEXIST))
        }
    }

    /// The folder that a path lies in; -1, with the path noted as missing, where that has to be made first.
    private func parent(
        of path: String, for asked: String, _ missing: inout [String]
    ) throws(HostFailure) -> (Int32, String) {
        do throws(HostFailure) {
            return try writing.parent(of: path)
        } catch {
            guard error.code == "file_not_found", missing.count < 64 else { throw error }
            missing.append(path)
            return (-1, "")
        }
    }

    private func remove(_ path: String, recursively: Bool) throws(HostFailure) {
        let (folder, name) = try writing.parent(of: path)
        defer { close(folder) }
        do throws(SystemError) {
            var info = FileInfo()
            if FilePath.namesFolder(path), fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0,
                info.st_mode & S_IFMT != S_IFDIR
            {
                throw SystemError(ENOTDIR)
            }
            try Self.remove(name, in: folder, recursively: recursively, depth: 0)
        } catch {
            throw .file(.write, path, error)
        }
    }

    private static func remove(
        _ name: String, in folder: Int32, recursively: Bool, depth: Int
    ) throws(SystemError) {
        if unlinkat(folder, name, 0) == 0 { return }
        // Linux says EISDIR, others EPERM.
        guard errno == EISDIR || errno == EPERM else { throw SystemError(errno) }
        if unlinkat(folder, name, AT_REMOVEDIR) == 0 { return }
        guard recursively, errno == ENOTEMPTY || errno == EEXIST, depth < 128 else { throw SystemError(errno) }
        let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard inner >= 0 else { throw SystemError(errno) }
        defer { close(inner) }
        while true {
            // In portions, as removing while listing may pass entries over.
            let copy = openat(inner, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard copy >= 0, let entries = FolderListing.read(copy, limit: .max) else { throw SystemError(EIO) }
            if entries.isEmpty { break }
            if Task.isCancelled { throw SystemError(ECANCELED) }
            for entry in entries { try remove(entry.name, in: inner, recursively: true, depth: depth + 1) }
        }
        if unlinkat(folder, name, AT_REMOVEDIR) != 0 { throw SystemError(errno) }
    }
}
