import Foundation
import Platform
import Testing

/// A pseudo-terminal with the program at its other end; standard output stays a pipe.
final class Terminal {
    private let master: FileHandle
    private let process: Process
    private let output = Pipe()
    private let reader: Reader
    /// What the program has written to the terminal so far.
    private(set) var screen = ""

    convenience init(_ program: Program, _ arguments: String...) throws { try self.init(program, arguments) }

    init(_ program: Program, _ arguments: [String]) throws {
        var ends: (master: Int32, slave: Int32) = (-1, -1)
        guard openpty(&ends.master, &ends.slave, nil, nil, nil) == 0 else { throw POSIXError(.EIO) }
        // The terminal has closed when nobody holds its other end, so the program must be the only one.
        _ = fcntl(ends.master, F_SETFD, FD_CLOEXEC)
        _ = fcntl(ends.slave, F_SETFD, FD_CLOEXEC)
        master = FileHandle(fileDescriptor: ends.master, closeOnDealloc: true)
        let slave = FileHandle(fileDescriptor: ends.slave, closeOnDealloc: true)
        process = program.process(arguments)
        process.standardInput = slave
        process.standardError = slave
        process.standardOutput = output
        try process.run()
        try slave.close()
        reader = Reader(output.fileHandleForReading)
    }

    /// Waits until a text stands behind all that was waited for before: half a minute, whatever else is drawn meanwhile.
    func wait(for text: String) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            if let found = screen.range(of: text) {
                screen.removeSubrange(..<found.upperBound)
                return
            }
            var poll = pollfd(fd: master.fileDescriptor, events: Int16(POLLIN), revents: 0)
            let isReadable = ContinuousClock.now < deadline && Self.poll(&poll) > 0
            try #require(isReadable, "waited in vain for '\(text)'; on the screen: \(screen)")
            let data = master.availableData
            try #require(!data.isEmpty, "the terminal closed before '\(text)'; on the screen: \(screen)")
            screen += String(decoding: data, as: UTF8.self)
        }
    }

    private static func poll(_ descriptor: UnsafeMutablePointer<pollfd>) -> Int32 {
        #if canImport(Darwin)
            Darwin.poll(descriptor, 1, 10_000)
        #elseif canImport(Musl)
            Musl.poll(descriptor, 1, 10_000)
        #else
            Glibc.poll(descriptor, 1, 10_000)
        #endif
    }

    func type(_ text: String) { master.write(Data(text.utf8)) }

    /// What Ctrl-C does in a terminal that the program controls.
    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// What the system does with the programs of a terminal whose window is closed.
    func close() throws {
        try master.close()
        for _ in 0..<2 { kill(process.processIdentifier, SIGHUP) }
        kill(process.processIdentifier, SIGCONT)
    }

    /// What the program came to; `errors` is what is left on the screen.
    func finish() -> Program.Outcome {
        let data = reader.wait()
        process.waitUntilExit()
        return Program.Outcome(
            status: process.terminationStatus, output: String(decoding: data, as: UTF8.self), errors: screen)
    }
}
