internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// The file that the name of a store stands for. All other files of the store lie beside it, whichever name it was opened by.
struct StorePath: Sendable {
    /// As it was written; what people are shown.
    let name: String
    /// The database, with no symbolic link in its path; also of a store that is not there yet.
    let file: String
    /// The name is that of a symbolic link.
    private let isLink: Bool

    /// Follows the links in `name` as they are at this moment.
    ///
    /// - Throws: `store_unavailable` where the name is no file's, or its links lead in a circle or to a name that is not UTF-8.
    init(_ name: String) throws(JournalError) {
        try StoreFile.checkName(name)
        self.name = name
        file = try Links.followed(name)
        isLink = Links.target(of: name) != nil
    }

    /// A file beside the database, by the end of its name.
    func beside(_ end: String) -> String { file + end }

    /// The same for people: beside the name, unless nothing lies there.
    func shown(_ end: String) -> String { (isLink ? file : name) + end }

    /// The directory that the database lies in, with a slash at its end; empty for the working directory.
    var folder: Substring { Self.split(file).folder }

    /// The name of the database in it.
    var last: Substring { Self.split(file).last }

    /// What a path has up to its last slash, which it includes, and behind it.
    fileprivate static func split(_ path: String) -> (folder: Substring, last: Substring) {
        let folder = path.folderPart
        return (folder, path[folder.endIndex...])
    }
}

/// The name of a store, whose links are followed when it is first opened and never again. Any thread.
final class StoreName: Sendable {
    let text: String
    private let path = Mutex<StorePath?>(nil)

    init(_ text: String) { self.text = text }

    func resolved() throws(JournalError) -> StorePath {
        try path.withLock { path throws(JournalError) in
            if let path { return path }
            let found = try StorePath(text)
            path = found
            return found
        }
    }
}

/// Symbolic links in paths.
private enum Links {
    /// As many as Linux follows.
    private static let limit = 40

    static func followed(_ path: String) throws(JournalError) -> String {
        var count = 0
        return try follow(path, of: path, &count)
    }

    private static func follow(_ path: String, of name: String, _ count: inout Int) throws(JournalError) -> String {
        if let real = real(path) { return real }
        if let target = target(of: path) {
            count += 1
            guard count <= limit else {
                throw unavailable(name, "it leads through too many symbolic links, or through one that leads to itself")
            }
            guard let target = String(validating: target, as: UTF8.self) else {
                throw unavailable(name, "it is a symbolic link to a name that is not UTF-8")
            }
            let folder = StorePath.split(path).folder
            return try follow(target.begins(with: "/") ? target : folder + target, of: name, &count)
        }
        // What is not there yet lies where its directory does.
        let (folder, last) = StorePath.split(path)
        if folder.isEmpty { return path == "." ? path : try follow(".", of: name, &count) + "/" + path }
        guard folder.utf8.count > 1, !last.isEmpty else { return path }
        return try follow(String(Substring(folder.utf8.dropLast())), of: name, &count) + "/" + last
    }

    /// The path without links; nil where nothing is there, where it cannot be asked, or is not UTF-8.
    private static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(validatingCString: real)
    }

    /// What a symbolic link says; nil where there is none.
    static func target(of path: String) -> [UInt8]? {
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(path, &target, target.count)
        return length < 0 ? nil : Array(target.prefix(length))
    }

    private static func unavailable(_ name: String, _ reason: String) -> JournalError {
        JournalError(code: .storeUnavailable, message: "the store \(name) cannot be opened: \(reason)")
    }
}
