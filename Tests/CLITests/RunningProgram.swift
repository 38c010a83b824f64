import Foundation
import Platform

/// A call of the program that is under way, and what it has said so far.
final class RunningProgram {
    private let process: Process
    private let output = Pipe()
    private let errors = Pipe()
    private let outputReader: Reader
    private(set) var said = ""

    convenience init(_ program: Program, _ arguments: String...) throws { try self.init(program, arguments) }

    init(_ program: Program, _ arguments: [String]) throws {
        process = program.process(arguments)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        outputReader = Reader(output.fileHandleForReading)
    }

    /// Reads standard error until it holds a text; false if the program ends before.
    @discardableResult
    func hear(_ text: String) -> Bool {
        while !said.contains(text) {
            let data = errors.fileHandleForReading.availableData
            if data.isEmpty { return false }
            said += String(decoding: data, as: UTF8.self)
        }
        return true
    }

    /// Reads standard error to its end on a thread of its own, and keeps nothing of it.
    func dropErrors() {
        let handle = errors.fileHandleForReading
        Thread.detachNewThread { while !handle.availableData.isEmpty {} }
    }

    var processID: Int32 { process.processIdentifier }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Ends the process as a crash does, and waits until it is gone.
    func crash() {
        send(SIGKILL)
        process.waitUntilExit()
    }

    /// Waits for the end without reading anything more of what it says; its status.
    func ended() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Waits for the end.
    func finish() -> Program.Outcome {
        while case let data = errors.fileHandleForReading.availableData, !data.isEmpty {
            said += String(decoding: data, as: UTF8.self)
        }
        let text = String(decoding: outputReader.wait(), as: UTF8.self)
        process.waitUntilExit()
        return Program.Outcome(status: process.terminationStatus, output: text, errors: said)
    }
}
