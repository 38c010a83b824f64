internal import FlatValue
internal import Platform

/// The folder part of a path.
enum FolderPath {
    /// With its slash at the end; empty for a bare name.
    static func of(_ path: String) -> String {
        guard let slash = path.lastPlace(of: "/") else { return "" }
        return String(path[...slash])
    }
}

/// Reading and writing whole files.
enum TextFile {
    struct Failure: Error {
        var message: String
        /// There is no such file.
        var isMissing = false

        fileprivate init(errno number: Int32) {
            message = String(cString: strerror(number))
            isMissing = number == ENOENT
        }

        fileprivate init(_ message: String) { self.message = message }
    }

    static func read(_ path: String, limit: Int) -> Result<[UInt8], Failure> {
        // Without waiting: a pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Failure(errno: errno)) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return .failure(Failure(errno: errno)) }
        guard info.st_mode & S_IFMT == S_IFREG else { return .failure(Failure("it is no regular file")) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count == 0 { return .success(bytes) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(Failure(errno: errno))
            }
            bytes += chunk[..<count]
            if bytes.count > limit { return .failure(Failure("it is larger than \(limit >> 20) MiB")) }
        }
    }

    /// Writes a file in one step: whoever reads it sees the old text or the new one.
    static func write(_ text: String, to path: String) -> Failure? {
        let folder = FolderPath.of(path)
        if !folder.isEmpty, mkdir(folder, 0o777) != 0, errno != EEXIST { return Failure(errno: errno) }
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return Failure(errno: errno) }
        var text = text
        let failure = text.withUTF8 { bytes -> Failure? in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if count < 0 {
                    if errno == EINTR { continue }
                    return Failure(errno: errno)
                }
                rest = rest.dropFirst(count)
            }
            return nil
        }
        close(descriptor)
        if let failure {
            unlink(draft)
            return failure
        }
        return rename(draft, path) == 0 ? nil : Failure(errno: errno)
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
