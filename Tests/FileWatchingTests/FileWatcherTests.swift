internal import Foundation
internal import Testing

@testable internal import FileWatching

/// A watcher over a folder of its own, and what it told.
private final class Watched {
    let folder: URL
    private let stream: AsyncStream<Void>
    private let watcher: FileWatcher

    init(_ method: FileWatcher.Method, _ files: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.stream = stream
        watcher = FileWatcher(quiet: .milliseconds(5), limit: .milliseconds(50), method: method) {
            continuation.yield()
        }
        for (name, text) in files { try write(text, to: name) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func write(_ text: String, to name: String) throws {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Watches a file and waits for the first look, which every change of what is watched brings.
    func watch(_ name: String) async {
        watcher.watch([path(name)])
        await told()
    }

    /// Waits until the watcher tells of a change.
    func told() async {
        var iterator = stream.makeAsyncIterator()
        await iterator.next()
    }
}

@Suite(.timeLimit(.minutes(1)))
struct FileWatcherTests {
    @Test(arguments: FileWatcher.Method.allCases)
    func `a file that is written, replaced, deleted and made again is told each time`(
        method: FileWatcher.Method
    ) async throws {
        let watched = try Watched(method, ["a.lua": "1"])
        await watched.watch("a.lua")
        try watched.write("22", to: "a.lua")
        await watched.told()
        try watched.write("333", to: "b.lua")
        rename(watched.path("b.lua"), watched.path("a.lua"))
        await watched.told()
        try FileManager.default.removeItem(atPath: watched.path("a.lua"))
        await watched.told()
        try watched.write("4444", to: "a.lua")
        await watched.told()
        // A folder in its place is no end of it.
        try FileManager.default.removeItem(atPath: watched.path("a.lua"))
        try FileManager.default.createDirectory(atPath: watched.path("a.lua"), withIntermediateDirectories: false)
        await watched.told()
        try await Task.sleep(for: .milliseconds(300))
        try FileManager.default.removeItem(atPath: watched.path("a.lua"))
        await watched.told()
        try watched.write("55555", to: "a.lua")
        await watched.told()
    }

    @Test(arguments: FileWatcher.Method.allCases)
    func `a link that is swapped is told, and so is a change behind it`(method: FileWatcher.Method) async throws {
        let watched = try Watched(method, ["one/a.lua": "1", "two/a.lua": "22"])
        func link(to target: String) throws {
            try FileManager.default.createSymbolicLink(
                atPath: watched.path("next"), withDestinationPath: watched.path(target))
            rename(watched.path("next"), watched.path("current"))
        }
        try link(to: "one")
        await watched.watch("current/a.lua")
        try link(to: "two")
        await watched.told()
        try watched.write("333", to: "two/a.lua")
        await watched.told()
    }

    @Test(arguments: FileWatcher.Method.allCases)
    func `a file in a folder that does not exist yet is told when it comes`(method: FileWatcher.Method) async throws {
        let watched = try Watched(method)
        await watched.watch("lib/deep/a.lua")
        try watched.write("1", to: "lib/deep/a.lua")
        await watched.told()
        // The folder may have come into view before the file was in it; whatever comes now is seen.
        try watched.write("22", to: "lib/deep/a.lua")
        await watched.told()
    }
}

/// A source to which the system gives no watches.
private final class ExhaustedSource: ChangeSource {
    var descriptor: Int32? { nil }
    var interval: UInt64? { nil }
    var isExhausted: Bool { true }
    func watch(_ set: WatchSet) -> Bool { false }
    func takeChanges() -> Bool { false }
}

@Suite(.timeLimit(.minutes(1)))
struct ExhaustionTests {
    @Test(arguments: [true, false])
    func `without notices of the system it looks, and says so`(hasSource: Bool) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("a.lua")
        try Data("1".utf8).write(to: file)
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        let (notes, note) = AsyncStream.makeStream(of: Void.self)
        let watcher = FileWatcher(
            quiet: .milliseconds(5), limit: .milliseconds(50), source: { hasSource ? ExhaustedSource() : nil },
            polls: { note.yield() }, changed: { change.yield() })
        watcher.watch([file.path])
        var iterator = notes.makeAsyncIterator()
        await iterator.next()
        var told = changes.makeAsyncIterator()
        await told.next()
        try Data("22".utf8).write(to: file)
        await told.next()
    }

    @Test(arguments: FileWatcher.Method.allCases)
    func `an entry that comes in a watched folder is told`(method: FileWatcher.Method) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        let watcher = FileWatcher(quiet: .milliseconds(5), limit: .milliseconds(50), method: method) { change.yield() }
        watcher.watch([], folders: [folder.path])
        var told = changes.makeAsyncIterator()
        await told.next()
        try Data("1".utf8).write(to: folder.appendingPathComponent("new_test.lua"))
        await told.next()
    }
}
