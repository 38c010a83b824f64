import FlatValue
import Foundation
import Platform
import WorkflowCore

/// docs/scripts/provider/provider.py, which stands in for a provider of models on 127.0.0.1.
final class FakeProvider {
    let base: String
    private let process = Process()
    private let log: URL

    /// - Parameters:
    ///   - script: its turns, as JSON; see there.
    ///   - program: in whose folder it keeps its files.
    init(_ script: String, in program: Program) throws {
        log = program.folder.appendingPathComponent("provider.log")
        try program.write(script, to: "provider.json")
        try program.write("", to: "provider.log")
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
                "docs/scripts/provider/provider.py")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let python = ProcessInfo.processInfo.environment["AIKIT_TEST_PYTHON"] ?? "python3"
        process.arguments = [python, source.path, "provider.json", "--log", log.path]
        process.currentDirectoryURL = program.folder
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { throw CocoaError(.fileReadUnknown) }
            line.append(data)
        }
        base = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Threads of tests block other signals, and children inherit that.
    deinit { kill(process.processIdentifier, SIGKILL) }

    /// What it has written down so far.
    var entries: [Value] {
        ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n").compactMap {
            try? Value(json: String($0))
        }
    }

    /// The requests that came: `{ number, path, turn, time, key?, body }`.
    var requests: [Value] { entries.filter { $0["body"] != nil } }
}
