internal import FlatValue
internal import LuaWorkflows
internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer
internal import WorkflowTelemetry

/// Workflows for one client of the Model Context Protocol at standard input and output, until the client closes the input.
final class MCPHost: Sendable {
    /// The longest message, in bytes.
    private static let lineLimit = 8 << 20
    /// How long calls may still be answered once the client has said its last word.
    private static let answerGrace = Duration.seconds(1)
    /// How long steps may go on after that.
    private static let grace = Duration.seconds(1)

    private let settings: ServeSettings
    private let log: ServeLog
    let phase = ServicePhase()
    private let calls = MCPTasks()
    private let output: MCPOutput

    init(_ settings: ServeSettings) {
        self.settings = settings
        log = ServeLog(settings.logFormat)
        output = MCPOutput { [phase] in phase.finish() }
    }

    /// Serves the client until it is gone, or the phase ends; by then the log is written, as far as somebody reads it.
    func run() async throws { try await log.written { try await serve() } }

    private func serve() async throws {
        let store = try ServiceStore(settings, log)
        let host = try await ServiceHost(settings, on: store.runs, log)
        let directory = host.directory
        let place = store.lasting?.name
        let offers = MCPOffers(directory, resources: Guides.all) { run, path in
            guard let place else { return "The run ends with this client's session, as nothing keeps it." }
            return "A person answers it by: aikit-lua resume \(shellQuoted(run)) --store \(shellQuoted(place)) "
                + "--step \(shellQuoted(path)) --data '{…}'"
        }
        let session = MCPSession(offers, for: Principal(name: "", role: .run))
        phase.serve { host.tellGivenUp() }
        output.begin()
        listen(session)
        let work = host.work([.queue])
        let limit = Self.answerGrace * 2 + Self.grace + host.closingTime
        let end: Void? = await phase.heed(within: limit) { [self] in
            await phase.ended()
            await calls.ended(within: Self.answerGrace)
            work.cancel()
            await directory.releaseAll(within: Self.grace)
            directory.events.close()
            calls.cancelAll()
            await output.finish(within: Self.answerGrace)
            await work.end()
            await host.close()
            await store.runs.close()
        }
        if end == nil { log.warn(store.stall.notice) }
    }

    /// Takes the client's messages on a thread of its own, one after the other; what waits for runs goes on beside it.
    private func listen(_ session: MCPSession) {
        let (calls, phase, output) = (calls, phase, output)
        WorkerThread.start {
            var input = MCPInput(limit: Self.lineLimit)
            while let line = input.next() {
                switch line {
                case .tooLong:
                    output.send(
                        RPCError(.invalidRequest, "The message has more than \(Self.lineLimit) bytes").answer(to: nil))
                case .text(let bytes):
                    do {
                        let message = try bytes.withUnsafeBytes { bytes throws(RPCFault) in try RPCMessage(bytes) }
                        guard let work = session.receive(message, via: { output.send($0) }) else { continue }
                        if work.isLong { calls.add(work.run) } else { waitFor { await work.run() } }
                    } catch {
                        if let fault = error as? RPCFault { output.send(fault.answer) }
                    }
                }
            }
            phase.finish()
        }
    }
}

/// The tasks of calls that are under way.
final class MCPTasks: Sendable {
    private let tasks = Mutex<[Int: Task<Void, Never>]>([:])
    private let last = Atomic<Int>(0)

    func add(_ body: @escaping @Sendable () async -> Void) {
        let number = last.add(1, ordering: .relaxed).newValue
        tasks.withLock { tasks in
            tasks[number] = Task { [self] in
                await body()
                _ = self.tasks.withLock { $0.removeValue(forKey: number) }
            }
        }
    }

    /// Returns when none is under way, or the time is over.
    func ended(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while !tasks.withLock(\.isEmpty), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
    }

    func cancelAll() {
        let all = tasks.withLock { Array($0.values) }
        for task in all { task.cancel() }
    }
}
