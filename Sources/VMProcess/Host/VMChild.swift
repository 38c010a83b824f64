internal import CVMProcess
internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A VM process as its host holds it: one thread starts it, reads what it says and waits for its end, another one writes. May be used
/// from any thread.
final class VMChild: Sendable {
    /// How it ended.
    struct End: Sendable, Equatable {
        /// Of which signal; nil where it ended by itself or was never started.
        var signal: String?
        /// Why it was not listened to any more, or could not be started.
        var fault: String?
        /// There was no file descriptor to start it with.
        var isShort = false
        /// Its host had no memory for what it said, of which it is not guilty.
        var isOfHost = false
        /// ``Run/mark`` of the run whose code it said to run last; 0 for none. It may have lied.
        var mark: UInt64 = 0
    }

    /// What happens to it, in order; `ended` is the last. Called on the reading thread.
    enum Notice: Sendable {
        case frame(WireFrame)
        case ended(End)
    }

    /// Bytes that it may have said before somebody has dealt with them, and bytes that may wait for it to read.
    private static let unhandledLimit = 4 << 20
    private static let unreadLimit = MemoryAllowance.vmSize + (512 << 20)

    /// What waits for the process to read, for the writing thread.
    private let outbox = Inbox<Outgoing>()
    private let outlet = Mutex(Outlet())
    private let unhandled = Atomic<Int>(0)
    /// How often, every 10 ms, the host looks for the memory for what it says.
    private static let memoryLooks = 3000
    private let waitsForMemory = Atomic<Bool>(false)
    private let state = Mutex(State())

    private struct Outgoing {
        /// None to end the thread.
        var bytes: [UInt8] = []
        /// Kept until they are written.
        var holding: (any Sendable)?
    }

    private struct Outlet {
        /// -1 before the process is started and after its end.
        var socket: Int32 = -1
        /// Bytes that are with the writing thread, behind which all others queue.
        var queued = 0
    }

    private struct State {
        /// 0 before it is started and after its end was waited for.
        var pid: pid_t = 0
        var isEnding = false
        var isKilled = false
        var isGone = false
        var isOfHost = false
        var fault: String?
        /// Where it says which run's code runs; nil before it is started and after its end.
        var marker: Marker?
    }

    /// A page that the process writes.
    private struct Marker: @unchecked Sendable {
        let page: UnsafeMutablePointer<UInt64>
    }

    /// Starts the program at a path.
    init(program: String, word: String, environment: [String], _ told: @escaping @Sendable (VMChild, Notice) -> Void) {
        let refusal = WorkerThread.startUnlessRefused { [self] in
            let end = live(program, word, environment) { told(self, .frame($0)) }
            state.withLock { $0.isGone = true }
            told(self, .ended(end))
        }
        guard let refusal else { return }
        state.withLock { $0.isGone = true }
        // Whoever asked for it does not know it yet.
        Task { told(self, .ended(End(fault: refusal))) }
    }

    /// - Parameter holding: is kept until the frame has been written.
    func send(_ frame: WireFrame, holding: (any Sendable)? = nil) {
        let bytes = frame.encoded
        let fits = outlet.withLock { outlet in
            var rest = bytes
            if outlet.socket >= 0, outlet.queued == 0 {
                let sent = bytes.withUnsafeBytes { vp_try_send(outlet.socket, $0.baseAddress, $0.count) }
                // Why nothing can be written shows where it is read.
                if sent < 0 || sent == bytes.count { return true }
                rest.removeFirst(sent)
            }
            outlet.queued += rest.count
            outbox.post(Outgoing(bytes: rest, holding: holding))
            return outlet.queued <= Self.unreadLimit
        }
        if !fits { kill(because: "it did not read what it was sent") }
    }

    /// Nothing more is heard of it.
    var isGone: Bool { state.withLock(\.isGone) }

    /// What it says is not read until its host has the memory for that.
    var isHeldUp: Bool { waitsForMemory.load(ordering: .relaxed) }

    /// It is being ended: nothing more is given to it.
    var isEnding: Bool { state.withLock { $0.isEnding || $0.isGone } }

    /// It is being ended, and nothing that it says counts any more.
    var isKilled: Bool { state.withLock(\.isKilled) }

    /// ``Run/mark`` of the run whose code it says to run; 0 for none. It may lie.
    var mark: UInt64 { state.withLock { $0.marker?.page.pointee ?? 0 } }

    /// CPU time that it has used, in nanoseconds; nil before it is started, after its end, and where the system does not say.
    var cpuTime: UInt64? {
        state.withLock { state in
            var clock = clockid_t()
            var time = timespec()
            guard state.pid > 0, clock_getcpuclockid(state.pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
                return nil
            }
            return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
        }
    }

    /// A frame has been dealt with.
    func handled(_ frame: WireFrame) { unhandled.wrappingSubtract(frame.weight, ordering: .relaxed) }

    /// Ends it at once; `ended` follows. The first reason is the one that counts.
    ///
    /// - Parameter ignoring: whether what it said before, and nobody has dealt with, is passed over.
    func kill(because fault: String?, ignoring: Bool = true) {
        state.withLock { state in
            if state.fault == nil { state.fault = fault }
            state.isEnding = true
            if ignoring { state.isKilled = true }
            if state.pid > 0 { _ = systemKill(state.pid, SIGKILL) }
        }
    }

    /// As which processes are listed.
    private static let name = "aikit-lua"

    /// How many are open at most while a process starts.
    private static let descriptors = 6

    private static func isShortage(_ status: Int32) -> Bool { status == EMFILE || status == ENFILE }

    // MARK: The threads

    private func live(
        _ program: String, _ word: String, _ environment: [String], _ said: (WireFrame) -> Void
    ) -> End {
        guard let claim = DescriptorRoom.Claim(Self.descriptors) else {
            return End(fault: "no file descriptor is left (ulimit -n)", isShort: true)
        }
        var ends: [Int32] = [-1, -1]
        var status = vp_connect(&ends)
        guard status == 0 else {
            return End(fault: "no socket: \(String(cString: strerror(status)))", isShort: Self.isShortage(status))
        }
        var pid = pid_t()
        let shared = vp_make_page()
        let marker = vp_map_page(shared)
        defer { vp_unmap_page(marker) }
        status = Self.withStrings([Self.name, word]) { arguments in
            Self.withStrings(environment) { vp_spawn(program, arguments, $0, ends[1], shared, &pid) }
        }
        systemClose(ends[1])
        if shared >= 0 { systemClose(shared) }
        guard status == 0 else {
            systemClose(ends[0])
            return End(
                fault: "\(program) cannot be started: \(String(cString: strerror(status)))",
                isShort: Self.isShortage(status))
        }
        claim.end()
        let page = marker.map { Marker(page: $0) }
        let isWanted = state.withLock { state in
            state.pid = pid
            state.marker = page
            return !state.isEnding
        }
        if !isWanted { kill(because: nil) }
        let socket = ends[0]
        outlet.withLock { $0.socket = socket }
        let written = Inbox<Bool>()
        let refusal = WorkerThread.startUnlessRefused { [self] in
            write(to: socket)
            written.post(true)
        }
        if let refusal {
            written.post(true)
            kill(because: refusal)
        } else {
            read(from: socket, said)
        }
        // Nothing more is heard of it, so it is to end, whatever it does; what it said before counts.
        state.withLock { if $0.pid > 0 { _ = systemKill($0.pid, SIGKILL) } }
        outbox.post(Outgoing(), closing: true)
        vp_await(pid)
        // From here on its number may be another process's.
        state.withLock { state in
            state.pid = 0
            state.marker = nil
        }
        let result = vp_wait(pid)
        _ = shutdown(socket, Int32(SHUT_RDWR))
        var done: [Bool] = []
        while done.isEmpty { written.take(into: &done, waiting: nil) }
        outlet.withLock { $0.socket = -1 }
        systemClose(socket)
        let signal = vp_signal(result)
        let (fault, isOfHost) = state.withLock { ($0.fault, $0.isOfHost) }
        return End(
            signal: signal == 0 ? nil : String(cString: vp_signal_name(signal)), fault: fault, isOfHost: isOfHost,
            mark: marker?.pointee ?? 0)
    }

    private func read(from socket: Int32, _ said: (WireFrame) -> Void) {
        var turn: LastMemory?
        var reader = FrameReader(socket: socket, looks: Self.memoryLooks) { [self] bytes in
            var isAdmitted = MemoryAllowance.admits(bytes)
            if !isAdmitted {
                if turn == nil { turn = LastMemory() }
                isAdmitted = turn?.admits(bytes) == true
            }
            waitsForMemory.store(!isAdmitted, ordering: .relaxed)
            return isAdmitted ? .admitted : isEnding ? .never : .later
        }
        do throws(FrameFault) {
            while let frame = try reader.next() {
                unhandled.wrappingAdd(frame.weight, ordering: .relaxed)
                said(frame)
                let limit = turn == nil ? Self.unhandledLimit : 0
                while unhandled.load(ordering: .relaxed) > limit, !state.withLock(\.isEnding) { usleep(1000) }
                turn = nil
            }
        } catch {
            state.withLock { $0.isOfHost = error.isOfReader && !$0.isEnding }
            // What it said before is whole, and counts.
            kill(because: "it sent \(error.description)", ignoring: false)
        }
    }

    private func write(to socket: Int32) {
        var taken: [Outgoing] = []
        while true {
            outbox.take(into: &taken, waiting: nil)
            taken.reverse()
            while let outgoing = taken.popLast() {
                let bytes = outgoing.bytes
                if bytes.isEmpty { return }
                let status = bytes.withUnsafeBytes { vp_send(socket, $0.baseAddress, $0.count) }
                if status != 0 { return }
                outlet.withLock { $0.queued -= bytes.count }
            }
        }
    }

    private static func withStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

extension WireFrame {
    /// What it takes in memory, about.
    fileprivate var weight: Int { 256 + body.count + header.byteCount }
}

@discardableResult private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemKill(_ pid: pid_t, _ signal: Int32) -> Int32 { kill(pid, signal) }
