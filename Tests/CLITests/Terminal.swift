import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A pseudo-terminal with the program at its other end; standard output stays a pipe.
final class Terminal {
    private let master: FileHandle
    private let process: Process
    private let output = Pipe()
    private let reader: Reader
    /// What the program has written to the terminal so far.
    private(set) var screen = ""

    init(_ program: Program, _ arguments: String...) throws {
        let descriptor = posix_openpt(O_RDWR | O_NOCTTY)
        guard descriptor >= 0, grantpt(descriptor) == 0, unlockpt(descriptor) == 0, let name = ptsname(descriptor)
        else {
            throw CocoaError(.fileNoSuchFile)
        }
        let path = String(cString: name)
        master = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard let slave = FileHandle(forUpdatingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
        process = program.process(arguments)
        process.standardInput = slave
        process.standardError = slave
        process.standardOutput = output
        try process.run()
        try slave.close()
        reader = Reader(output.fileHandleForReading)
    }

    /// Waits until a text stands behind all that was waited for before.
    func wait(for text: String) throws {
        while true {
            if let found = screen.range(of: text) {
                screen.removeSubrange(..<found.upperBound)
                return
            }
            let data = master.availableData
            try #require(!data.isEmpty, "the terminal closed; what was left: \(screen)")
            screen += String(decoding: data, as: UTF8.self)
        }
    }

    func type(_ text: String) { master.write(Data(text.utf8)) }

    /// What Ctrl-C does in a terminal that the program controls.
    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// What the program came to; `errors` is what is left on the screen.
    func finish() -> Program.Outcome {
        let data = reader.wait()
        process.waitUntilExit()
        return Program.Outcome(
            status: process.terminationStatus, output: String(decoding: data, as: UTF8.self), errors: screen)
    }
}
