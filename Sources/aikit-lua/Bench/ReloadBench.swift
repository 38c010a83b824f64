internal import FileWatching
internal import Foundation
internal import LuaWorkflows
internal import Platform
internal import WorkflowEngine

/// How long a save takes to become the live generation.
struct ReloadBench {
    /// The median over several saves, in milliseconds: from the end of the debounce until new runs are of the new generation.
    static func median(saves: Int = 21) async throws -> Double {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-reload-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func save(_ text: String, as name: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
        }
        try save(BenchScripts.reloaded, as: "main.lua")
        try save("return 0", as: "part.lua")
        let engine = WorkflowEngine(workers: 2)
        defer { engine.shutdown() }
        let live = LiveScript(path: folder.appendingPathComponent("main.lua").path, on: engine)
        guard case .live = await live.refresh() else { throw RunFailure(code: "bench", message: "no first generation") }
        let (stream, continuation) = AsyncStream.makeStream(of: Double.self)
        let watcher = FileWatcher {
            let start = monotonicNanoseconds()
            if case .live = waitFor({ await live.refresh() }) {
                continuation.yield(Double(monotonicNanoseconds() - start) / 1e6)
            }
        }
        watcher.watch(live.paths)
        var samples: [Double] = []
        var lives = stream.makeAsyncIterator()
        for number in 1...saves {
            try save("return \(number)", as: "part.lua")
            guard let sample = await lives.next() else { break }
            samples.append(sample)
        }
        return samples.sorted()[samples.count / 2]
    }
}
