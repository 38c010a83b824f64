internal import CLuaBridge
internal import FlatValue
internal import Platform

/// Where modules are looked for, and how files are read.
package enum ScriptFiles {
    /// The largest source that is taken.
    static let sizeLimit = 8 << 20
    /// Bytes of the longest name of a module, as `require` has it.
    static let moduleNameLimit = Int(LB_MODULE_NAME_LIMIT)

    enum ReadError: Error, Equatable {
        case missing
        case directory
        /// A symbolic link that leads out of the project.
        case outside
        /// The line, from 1, that is no UTF-8.
        case notText(line: Int)
        /// There is no file descriptor to read it with; the words of the system. What the file holds is not known.
        case noDescriptor(String)
        case failed(String)

        init(errno number: Int32) {
            let words = String(cString: strerror(number))
            switch number {
            case ENOENT, ENOTDIR: self = .missing
            case EMFILE, ENFILE: self = .noDescriptor(words)
            default: self = .failed(words)
            }
        }
    }

    /// Reads a whole source in UTF-8, without the byte order mark that some editors write before it. Only regular files are read:
    /// anything else, such as a FIFO or a device, might never end.
    static func read(_ path: String) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ReadError(errno: errno) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .failed(String(cString: strerror(errno))) }
        if info.st_mode & S_IFMT == S_IFDIR { throw .directory }
        guard info.st_mode & S_IFMT == S_IFREG else { throw .failed("it is not a regular file") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { platformRead(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return try text(bytes) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .failed(String(cString: strerror(errno)))
            }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > sizeLimit { throw .failed("it is larger than \(sizeLimit >> 20) MiB") }
        }
    }

    /// How long ago a file was written, by the system's clock; nil for one that is not there, or whose time lies ahead.
    static func age(of path: String) -> Duration? {
        var info = stat()
        var now = timespec()
        guard stat(path, &info) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
        #if canImport(Darwin)
            let written = info.st_mtimespec
        #else
            let written = info.st_mtim
        #endif
        func time(_ time: timespec) -> Duration {
            .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
        }
        let age = time(now) - time(written)
        return age >= .zero ? age : nil
    }

    private static func text(_ bytes: [UInt8]) throws(ReadError) -> [UInt8] {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        // Compiled chunks are refused by name where sources are loaded.
        guard text.first != 0x1B, String(validating: text, as: UTF8.self) == nil else { return text }
        let lines = text.split(separator: 10, omittingEmptySubsequences: false)
        let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw .notText(line: index + 1)
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
        guard let slash = path.lastPlace(of: "/") else { return "" }
        return String(path[...slash])
    }

    /// The places in which a module may lie, best first: beside the script, then in `lua_modules` there.
    static func candidates(for module: String, besideScript directory: String) -> [String] {
        let relative = module.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        return ["", "lua_modules/"].flatMap { folder in
            ["\(directory)\(folder)\(relative).lua", "\(directory)\(folder)\(relative)/init.lua"]
        }
    }

    /// What is found under the name of a module, or of the script itself where the name is empty.
    struct Found {
        var module: String
        /// Where it lies; of what is missing, where it is looked for first.
        var path: String
        var content: Result<[UInt8], ReadError>
    }

    static func find(module name: String, besideScript directory: String) -> Found {
        let candidates = candidates(for: name, besideScript: directory)
        for path in candidates {
            let found = find(module: name, at: path, project: directory)
            switch found.content {
            case .success, .failure(.failed), .failure(.outside), .failure(.notText), .failure(.noDescriptor):
                return found
            case .failure(.missing), .failure(.directory): continue
            }
        }
        return Found(module: name, path: candidates[0], content: .failure(.missing))
    }

    /// Looks for a module in folders, the best place first; `found` is nil where the name is none.
    static func search(module name: String, in folders: [String]) -> (found: Found?, finding: ModuleFinding) {
        guard name.utf8.count <= moduleNameLimit else {
            return (nil, .failed("the name is longer than \(moduleNameLimit) bytes"))
        }
        guard isModuleName(name) else {
            return (
                nil, .failed("'\(name)' is no module name: letters, digits, '_' and '-', parts joined by dots")
            )
        }
        let tries = folders.lazy.map { find(module: name, besideScript: $0) }
        let found = tries.first { $0.content != .failure(.missing) } ?? tries[0]
        switch found.content {
        case .success(let source): return (found, .found(path: found.path, source: source))
        case .failure(.notText(let line)): return (found, .failed("\(found.path):\(line): \(ScriptError.notText)"))
        case .failure(.noDescriptor(let why)):
            return (found, .failed("cannot read \(found.path): \(ScriptError.noDescriptor(why))"))
        case .failure(.failed(let why)): return (found, .failed("cannot read \(found.path): \(why)"))
        case .failure(.outside):
            return (found, .failed("\(found.path) is a symbolic link that leads out of the project"))
        case .failure(.missing), .failure(.directory):
            let places = folders.flatMap { candidates(for: name, besideScript: $0) }
            return (found, .missing(places: places.joined(separator: ", ")))
        }
    }

    /// - Parameter project: a folder of the project that the file must not lie outside of; nil for any place.
    static func find(module name: String, at path: String, project: String? = nil) -> Found {
        do throws(ReadError) {
            if let project, !ProjectFolder.contains(path, from: project) {
                return Found(module: name, path: path, content: .failure(.outside))
            }
            return Found(module: name, path: path, content: .success(try read(path)))
        } catch {
            return Found(module: name, path: path, content: .failure(error))
        }
    }

    /// Whether a name leads to files below the script's directory only.
    package static func isModuleName(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return !name.isEmpty
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
            }
    }
}
