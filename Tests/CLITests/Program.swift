import Foundation
import Testing

/// All tests that start the program: one after the other, as they wait for processes.
@Suite(.serialized) enum CommandLine {}

/// Runs the real program in a folder of its own.
struct Program {
    /// What a call came to.
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    var folder: URL
    var binary = Program.binary
    /// Variables that the program finds besides those of the tests.
    var variables: [String: String] = [:]

    /// - Parameter files: contents by name.
    init(_ files: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-lua-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }

    func delete(_ name: String) throws {
        try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// The program that was built beside the tests, or the one that AIKIT_LUA_BINARY names.
    static let binary = ProcessInfo.processInfo.environment["AIKIT_LUA_BINARY"] ?? binaryBeside

    /// The program that was built beside the tests: one for debugging, with what only tests may ask for.
    static let binaryBeside: String = {
        var folder = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("aikit-lua").path
            if FileManager.default.isExecutableFile(atPath: candidate), !isFolder(candidate) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return "aikit-lua"
    }()

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// A process that has not been started.
    func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        environment["NO_COLOR"] = nil
        environment["TERM"] = "xterm"
        environment.merge(variables) { $1 }
        process.environment = environment
        return process
    }

    /// Runs a command to its end.
    func run(_ arguments: String..., input: String? = nil) throws -> Outcome { try run(arguments, input: input) }

    /// - Parameter environment: what the program finds there in place of the tests' own; nil for that.
    func run(_ arguments: [String], input: String? = nil, environment: [String: String]? = nil) throws -> Outcome {
        let process = process(arguments)
        if let environment { process.environment = environment }
        let output = Pipe()
        let errors = Pipe()
        let stdin = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input == nil ? FileHandle.nullDevice : stdin
        try process.run()
        if let input {
            stdin.fileHandleForWriting.write(Data(input.utf8))
            try stdin.fileHandleForWriting.close()
        }
        let reader = Reader(errors.fileHandleForReading)
        let outputData = output.fileHandleForReading.readDataToEndOfFile()
        let errorData = reader.wait()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: outputData, as: UTF8.self),
            errors: String(decoding: errorData, as: UTF8.self))
    }
}

/// Reads a pipe to its end on a thread of its own.
final class Reader: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var data = Data()

    init(_ handle: FileHandle) {
        Thread.detachNewThread { [self] in
            data = handle.readDataToEndOfFile()
            done.signal()
        }
    }

    func wait() -> Data {
        done.wait()
        return data
    }
}

extension String {
    /// The text with every duration as `TIME` and every run id as `RUN`, which no two calls share.
    var withoutTimes: String {
        replacing(#/\d+ ms|\d+\.\d+ s/#, with: "TIME").replacing(
            #/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/#, with: "RUN")
    }
}
