import Foundation
import Platform
import Testing

/// The program at work, with its output read as it comes.
final class LiveProgram {
    private let process: Process
    private let output = Pipe()
    private let errors = Pipe()
    private let reader: Reader
    /// What came on standard error behind all that was waited for.
    private(set) var rest = ""

    init(_ program: Program, _ arguments: String...) throws {
        process = program.process(arguments)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        reader = Reader(output.fileHandleForReading)
    }

    /// Waits until a text stands on standard error behind all that was waited for before; what stands before it.
    @discardableResult
    func wait(for text: String) throws -> String {
        while true {
            if let found = rest.range(of: text) {
                defer { rest.removeSubrange(..<found.upperBound) }
                return String(rest[..<found.lowerBound])
            }
            var poll = pollfd(fd: errors.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            try #require(wait(&poll) > 0, "waited in vain for '\(text)' behind: \(rest)")
            let data = errors.fileHandleForReading.availableData
            try #require(!data.isEmpty, "the program ended before '\(text)' behind: \(rest)")
            rest += String(decoding: data, as: UTF8.self)
        }
    }

    private func wait(_ descriptor: UnsafeMutablePointer<pollfd>) -> Int32 { poll(descriptor, 1, 20_000) }

    /// Asks the program to end; what it came to.
    func end(_ signal: Int32 = SIGINT) -> Program.Outcome {
        kill(process.processIdentifier, signal)
        let tail = errors.fileHandleForReading.readDataToEndOfFile()
        let data = reader.wait()
        process.waitUntilExit()
        return Program.Outcome(
            status: process.terminationStatus, output: String(decoding: data, as: UTF8.self),
            errors: rest + String(decoding: tail, as: UTF8.self))
    }
}
