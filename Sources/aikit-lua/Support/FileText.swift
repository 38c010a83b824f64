internal import Platform

/// Reading whole files and standard input without Foundation.
enum FileText {
    enum Failure: Error, Equatable {
        /// The system's error number.
        case system(Int32)
        case isDirectory
        /// A pipe or a device, which might never end.
        case notRegular
        /// Larger than the limit, in bytes.
        case tooLarge(Int)

        var message: String {
            switch self {
            case .system(let number): systemMessage(number)
            case .isDirectory: "it is a folder"
            case .notRegular: "it is no regular file"
            case .tooLarge(let limit): "it is larger than \(limit >> 20) MiB"
            }
        }
    }

    /// Reads a regular file.
    ///
    /// - Parameter takesStreams: pipes and devices are read too, to their end: for paths that a command line names, as a shell
    ///   hands over the output of a command.
    static func read(_ path: String, limit: Int, takesStreams: Bool = false) -> Result<[UInt8], Failure> {
        // Opening a pipe waits for a writer, unless it is told not to.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (takesStreams ? 0 : O_NONBLOCK))
        guard descriptor >= 0 else { return .failure(.system(errno)) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return .failure(.system(errno)) }
        let type = info.st_mode & S_IFMT
        if type == S_IFDIR { return .failure(.isDirectory) }
        if type != S_IFREG, !takesStreams { return .failure(.notRegular) }
        return read(descriptor: descriptor, limit: limit)
    }

    /// Writes a file in one step, so that whoever reads it sees the old text or the new one; what went wrong, or nil.
    ///
    /// A pipe or a device at the path is written to, as far as somebody reads it.
    static func write(_ text: String, to path: String) -> String? {
        var info = stat()
        if stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG {
            // Opening a pipe without a reader fails, rather than wait.
            let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { return systemMessage(errno) }
            defer { close(descriptor) }
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
            return writeAll(text, to: descriptor)
        }
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return systemMessage(errno) }
        let failure = writeAll(text, to: descriptor)
        close(descriptor)
        guard failure == nil else {
            unlink(draft)
            return failure
        }
        return rename(draft, path) == 0 ? nil : systemMessage(errno)
    }

    private static func writeAll(_ text: String, to descriptor: Int32) -> String? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count < 0, errno != EINTR { return systemMessage(errno) }
            rest = rest.dropFirst(max(count, 0))
        }
        return nil
    }

    /// Makes the folders that a file is to lie in; what went wrong, or nil.
    static func makeFolders(of path: String) -> String? {
        for slash in path.indices where path[slash] == "/" && slash != path.startIndex {
            if mkdir(String(path[..<slash]), 0o777) != 0, errno != EEXIST { return systemMessage(errno) }
        }
        return nil
    }

    static func read(descriptor: Int32, limit: Int) -> Result<[UInt8], Failure> {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count == 0 { return .success(bytes) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(.system(errno))
            }
            bytes += chunk[..<count]
            if bytes.count > limit { return .failure(.tooLarge(limit)) }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}
