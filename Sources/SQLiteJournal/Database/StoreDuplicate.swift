internal import Foundation
internal import Platform
package import WorkflowEngine

/// A copy of a store's files as they were at one moment, in a folder of its own among the temporary files: for what needs a store
/// that can be written where this one cannot. Who makes it removes it.
package struct StoreDuplicate: Sendable {
    /// The file of the copy.
    package let path: String
    private let folder: String

    /// - Throws: `store_unavailable` where the files cannot be read or copied, `store_locked` where they change all the time.
    package init(of store: String) throws(JournalError) { try self.init(of: StorePath(store)) }

    /// - Throws: as ``init(of:)-(String)``.
    init(of store: StorePath) throws(JournalError) {
        try StoreFile.checkKind(store)
        folder = try Self.makeFolder()
        path = folder + "/runs.db"
        do throws(JournalError) {
            try Self.copy(store, to: path)
        } catch {
            remove()
            throw error
        }
    }

    package func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private static func makeFolder() throws(JournalError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/aikit-lua-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw JournalError(
                code: .storeUnavailable,
                message: "the store can only be looked at in a copy, and no folder can be made in \(base): "
                    + String(cString: strerror(errno)))
        }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Copies the database and its log; anew while somebody moves pages from one into the other.
    private static func copy(_ path: StorePath, to copy: String) throws(JournalError) {
        for _ in 0..<10 {
            let before = state(of: path)
            for end in ["", "-wal"] where access(path.beside(end), F_OK) == 0 {
                try? FileManager.default.removeItem(atPath: copy + end)
                try copyFile(path.beside(end), shown: path.shown(end), to: copy + end)
                chmod(copy + end, 0o600)
            }
            if state(of: path) == before { return }
        }
        throw JournalError(
            code: .storeLocked, message: "the store \(path.name) changes too fast to be copied; try again")
    }

    /// - Throws: a `store_unavailable` that says why, and what to do where another user's file may not be read.
    private static func copyFile(_ path: String, shown name: String, to copy: String) throws(JournalError) {
        if faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 {
            let reason = String(cString: strerror(errno))
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "\(name) may not be read (\(reason)); look at it as the user who owns it, or have them allow it")
        }
        do {
            try FileManager.default.copyItem(atPath: path, toPath: copy)
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            let reason = cause.map { String(cString: strerror(Int32(clamping: $0.code))) } ?? "it cannot be copied"
            throw JournalError(
                code: .storeUnavailable,
                message: "the store can only be looked at in a copy, and copying \(name) failed: \(reason)")
        }
    }

    /// What changes when the database itself is written, or its log begins anew.
    private static func state(of path: StorePath) -> [Data?] {
        [path.file, path.beside("-wal")].map { path in
            let file = FileHandle(forReadingAtPath: path)
            defer { try? file?.close() }
            // The first page of a database counts its changes, the head of a log how often it began anew.
            return try? file?.read(upToCount: 100)
        }
    }
}
