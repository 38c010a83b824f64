internal import FlatValue
internal import Platform
internal import Synchronization

/// Runs asynchronous code to its end while the calling thread waits: the way from a command into the engine's API.
func waitFor<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let box = Answer<Result>()
    Task.detached { box.set(await body()) }
    return box.wait()
}

/// A value that one thread waits for and another one brings.
private final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "the system refused a pipe: \(systemMessage(errno))")
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func set(_ value: Value) {
        self.value.withLock { $0 = value }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    func wait() -> Value {
        while true {
            if let value = value.withLock({ $0 }) { return value }
            var byte: UInt8 = 0
            _ = read(readEnd, &byte, 1)
        }
    }
}
