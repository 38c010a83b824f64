import FlatValue
import Foundation
import Synchronization
import Testing

@testable import VMProcess

@Suite struct ChildTests {
    /// Frames that it said, and how it ended.
    private final class Heard: Sendable {
        let frames = Mutex<[VMProcess.WireFrame]>([])
        let end = Mutex<VMChild.End?>(nil)
    }

    @Test func `what a process said before it broke the protocol counts`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "aikit-lua-child-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let said = (0..<50).map { VMProcess.WireFrame(.print, ["message": Value("line \($0)")]) }
        let bytes = said.flatMap(\.encoded) + [UInt8](repeating: 0xFF, count: 64)
        let words = folder.appending(path: "words")
        try Data(bytes).write(to: words)
        let script = folder.appending(path: "child.sh")
        try "cat '\(words.path)' >&3\nsleep 60\n".write(to: script, atomically: true, encoding: .utf8)

        let heard = Heard()
        let child = VMChild(program: "/bin/sh", word: script.path, environment: ["PATH=/usr/bin:/bin"]) {
            child, notice in
            switch notice {
            case .frame(let frame):
                // The worker comes to it later.
                usleep(1000)
                heard.frames.withLock { if !child.isKilled { $0.append(frame) } }
            case .ended(let end): heard.end.withLock { $0 = end }
            }
        }
        let patience = Date.now.addingTimeInterval(30)
        while heard.end.withLock({ $0 == nil }), Date.now < patience { try await Task.sleep(for: .milliseconds(10)) }
        let (frames, ending) = (heard.frames.withLock { $0 }, heard.end.withLock { $0 })
        #expect(frames == said)
        #expect(child.isEnding && !child.isKilled)
        let end = try #require(ending)
        #expect(end.signal == "SIGKILL" && end.fault?.contains("a frame of 4294967295 bytes") == true, "\(end)")
    }
}
