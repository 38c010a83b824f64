import CLuaBridge
import FlatValue
import LuaRuntime
import Platform
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

/// Answers the calls of a test's scripts and remembers them.
final class TestHost: LuaHost {
    var modules: [String: String] = [:]
    private(set) var printed: [String] = []

    func answer(op: UnsafeRawBufferPointer, payload: ValueCursor, response: inout ByteArena) -> Bool {
        switch String(decoding: op, as: UTF8.self) {
        case "print":
            printed.append(payload.string ?? "")
            response.writeNull()
            return true
        case "echo":
            response.write(payload)
            return true
        default:
            let error: Value = ["code": "refused", "message": "the host refuses", "details": ["why": "test"]]
            response.write(error)
            return false
        }
    }

    func findModule(named name: String) -> LuaModuleLookup {
        if let source = modules[name] { return .found(source: Array(source.utf8), chunkName: "@\(name).lua") }
        return .notFound(places: "looked in test/\(name).lua")
    }
}

/// A VM with a small prelude: `test.slot(f)`, `test.wait(value)`, `test.sync(op, value)`.
final class TestVM {
    let host = TestHost()
    let vm: LuaVM
    var context = lb_context()

    static let prelude = """
        local bridge = ...
        bridge.set_context_methods { emit = function(context, event) bridge.context_effect(context, "emit", event.type, event.data) end }
        return {
            slot = bridge.function_slot, null = bridge.null, readonly = bridge.readonly, where = bridge.where,
            array = function(t) return setmetatable(t, bridge.array_metatable) end, bridge = bridge,
            wait = function(value) return bridge.request("wait", value) end, all = bridge.all, sync = bridge.sync,
            fail = function(e) error(setmetatable(e, bridge.error_metatable)) end,
        }
        """

    init(memoryLimit: Int = 0) throws {
        vm = try LuaVM(host: host, memoryLimit: memoryLimit)
        try Array(Self.prelude.utf8).withUnsafeBufferPointer { try vm.loadPrelude(name: "test", source: $0) }
    }

    /// How a call ended.
    enum Outcome {
        case done(Value)
        case failed(LuaError)
        case waiting(Waiting)
        case cancelled(LuaError)

        var value: Value? { if case .done(let value) = self { value } else { nil } }
        var error: LuaError? {
            switch self {
            case .failed(let error), .cancelled(let error): error
            default: nil
            }
        }
        var waiting: Waiting? { if case .waiting(let waiting) = self { waiting } else { nil } }
        var isCancelled: Bool { if case .cancelled = self { true } else { false } }
    }

    struct Request: Equatable {
        let op: String
        let payload: Value
        let token: UInt32
    }

    struct Waiting {
        let thread: OpaquePointer
        let requests: [Request]
        let abandoned: [UInt32]
        var token: UInt32 { requests[0].token }
    }

    func outcome(_ status: lb_status, _ out: inout ByteArena, _ thread: OpaquePointer?) -> Outcome {
        defer { out.deallocate() }
        switch status {
        case LB_DONE: return .done(Value(ValueCursor(out.bytes)))
        case LB_ERROR: return .failed(LuaError(out))
        case LB_CANCELLED: return .cancelled(LuaError(out))
        default:
            guard let thread else { return .failed(LuaError(code: "test", message: "no thread")) }
            let requests = (0..<lb_thread_request_count(thread)).map { index in
                let request = lb_thread_request(thread, index)
                return Request(
                    op: String(
                        decoding: UnsafeRawBufferPointer(start: request.op, count: request.op_length), as: UTF8.self),
                    payload: Value(
                        ValueCursor(UnsafeRawBufferPointer(start: request.payload, count: request.payload_length))),
                    token: request.token)
            }
            let abandoned = (0..<lb_thread_abandoned_count(thread)).map { lb_thread_abandoned(thread, $0) }
            return .waiting(Waiting(thread: thread, requests: requests, abandoned: abandoned))
        }
    }

    /// Loads a script; it may make slots with `test.slot`.
    @discardableResult
    func load(_ source: String, name: String = "@script.lua") -> Outcome {
        var out = ByteArena()
        var thread: OpaquePointer?
        let bytes = Array(source.utf8)
        let status = bytes.withUnsafeBytes { vm.load(source: $0, chunkName: name, out: &out, suspended: &thread) }
        return outcome(status, &out, thread)
    }

    /// Loads a script that returns a function, and gives its slot.
    func function(_ source: String) throws -> UInt32 {
        let outcome = load(source)
        return UInt32(try #require(outcome.value?.int, "\(outcome)"))
    }

    func call(_ slot: UInt32, _ argument: Value = .null, withContext: Bool = false) -> Outcome {
        var out = ByteArena()
        var thread: OpaquePointer?
        let status = argument.withBytes { bytes in
            var arguments = [lb_arg(), lb_arg()]
            arguments[0].kind = LB_ARG_POINTER
            arguments[0].pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            arguments[0].length = bytes.count
            arguments[1].kind = LB_ARG_CONTEXT
            return withUnsafeMutablePointer(to: &context) { context in
                vm.call(
                    slot: slot, context: withContext ? context : nil, arguments: arguments, count: 2, out: &out,
                    suspended: &thread)
            }
        }
        return outcome(status, &out, thread)
    }

    /// Calls the function and stops it from another thread after `delay`; how it ended, and how long that took.
    func interrupted(after delay: Duration = .milliseconds(20), _ body: () -> Outcome) -> (Outcome, Duration) {
        let token: UInt64 = 7
        let interrupter = vm.interrupter
        lb_watch_begin(vm.handle, token)
        let asked = Mutex<ContinuousClock.Instant?>(nil)
        let canceller = Thread {
            Thread.sleep(for: delay)
            asked.withLock { $0 = .now }
            interrupter.interrupt(token: token)
        }
        let outcome = body()
        let end = ContinuousClock.now
        canceller.join()
        lb_watch_end(vm.handle)
        return (outcome, (asked.withLock { $0 } ?? end).duration(to: end))
    }

    /// Runs `source`, which is the body of a function of `input` and `context`.
    func run(_ source: String, _ argument: Value = .null) throws -> Outcome {
        call(try function("local test = require 'test'; return function(input, context) \(source) end"), argument)
    }

    func answer(_ waiting: Waiting, token: UInt32? = nil, _ value: Value, ok: Bool = true) -> Outcome {
        var out = ByteArena()
        let status = value.withBytes {
            vm.resume(waiting.thread, token: token ?? waiting.token, ok: ok, value: $0, out: &out)
        }
        return outcome(status, &out, waiting.thread)
    }

    func close(_ waiting: Waiting) -> LuaError {
        var out = ByteArena()
        defer { out.deallocate() }
        vm.close(waiting.thread, code: "cancelled", message: "stopped by the test", out: &out)
        return LuaError(out)
    }
}

/// Runs a test's body on a thread with the stack that VMs are given.
func onWorkerThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        WorkerThread.start { continuation.resume(with: Result(catching: body)) }
    }
}

/// A thread that a test can wait for.
final class Thread: Sendable {
    private let done: Mutex<Bool>
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        done = Mutex(false)
        WorkerThread.start { [self] in
            self.body()
            done.withLock { $0 = true }
        }
    }

    func join() {
        while !done.withLock({ $0 }) { Thread.sleep(for: .milliseconds(1)) }
    }

    static func sleep(for duration: Duration) {
        usleep(UInt32(duration / .microseconds(1)))
    }
}

/// CLOCK_MONOTONIC in nanoseconds, as deadlines are given.
func monotonicNow() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
