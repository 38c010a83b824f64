internal import Foundation

/// A directory that is removed when the tests end: a store in it may outlive the test's last mention of it.
struct TemporaryDirectory {
    let path: String

    private static let root: String = {
        let path = FileManager.default.temporaryDirectory.appending(path: "journal-tests-\(getpid())").path
        atexit { try? FileManager.default.removeItem(atPath: TemporaryDirectory.root) }
        return path
    }()

    init() throws {
        path = Self.root + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var store: String { path + "/runs.db" }
}
