internal import Crypto

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The source of a script and of every module that it required: all that is needed to run it again, whatever becomes of the
/// files.
package struct ScriptBundle: Sendable, Equatable {
    /// One file, as it was read.
    package struct File: Sendable, Equatable {
        /// The name by which it is required; empty for the script itself.
        package var module: String
        /// The path that errors show.
        package var path: String
        package var source: [UInt8]

        package init(module: String, path: String, source: [UInt8]) {
            self.module = module
            self.path = path
            self.source = source
        }

        /// The content's hash, in hexadecimal digits.
        package var hash: String { hexadecimal(SHA256.hash(data: source)) }
    }

    /// The script first, then its modules in the order in which they were required.
    package var files: [File]

    package init(files: [File]) { self.files = files }

    package var script: File { files[0] }

    /// The hash of all files and their names: two bundles with one id run alike.
    package var id: String {
        var hasher = SHA256()
        for file in files.prefix(1) + files.dropFirst().sorted(by: { $0.module < $1.module }) {
            hasher.update(data: Array("\(file.module)\n\(file.source.count)\n".utf8))
            hasher.update(data: file.source)
        }
        return hexadecimal(hasher.finalize())
    }
}

private func hexadecimal(_ digest: SHA256Digest) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in digest {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// Where modules are looked for, and how files are read.
package enum ScriptFiles {
    /// The largest source that is taken.
    static let sizeLimit = 8 << 20

    enum ReadError: Error {
        case missing
        case directory
        case failed(String)
    }

    /// Reads a whole file.
    static func read(_ path: String) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .missing : .failed(String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .failed(String(cString: strerror(errno))) }
        if info.st_mode & S_IFMT == S_IFDIR { throw .directory }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { platformRead(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw .failed(String(cString: strerror(errno)))
            }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > sizeLimit { throw .failed("it is larger than \(sizeLimit >> 20) MiB") }
        }
    }

    private static func platformRead(_ descriptor: Int32, _ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, target, count)
        #elseif canImport(Musl)
            Musl.read(descriptor, target, count)
        #else
            Darwin.read(descriptor, target, count)
        #endif
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[...slash])
    }

    /// The places in which a module may lie, best first: beside the script, then in `lua_modules` there.
    static func candidates(for module: String, besideScript directory: String) -> [String] {
        let relative = module.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        return ["", "lua_modules/"].flatMap { folder in
            ["\(directory)\(folder)\(relative).lua", "\(directory)\(folder)\(relative)/init.lua"]
        }
    }

    /// Whether a name leads to files below the script's directory only.
    static func isModuleName(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return !name.isEmpty
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
            }
    }
}
