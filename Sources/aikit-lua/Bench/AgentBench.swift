internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Measures agents of ten turns, with a provider in this process.
struct AgentBench {
    private static let turns = 10
    private static let together = 1000

    private static let script = """
        local aikit = require "aikit"
        local model = aikit.model { provider = "openai", name = "bench" }
        local search = aikit.tool { id = "search", handler = function(input) return { page = input.query } end }
        return aikit.agent { id = "help", model = model, tools = { search }, prompt = "How much leave?", stream = false }
        """

    let report: @Sendable (BenchRow) -> Void

    func run() async throws {
        let alone = try await seconds(of: 300, together: 1, after: .zero)
        let turn = alone.seconds / Double(300 * Self.turns) * 1e6
        report(
            BenchRow(
                name: "agent: a turn without its provider", value: turn, unit: "µs", goal: "≤ 200 µs",
                reached: turn <= 200))
        let many = try await seconds(of: Self.together, together: Self.together, after: .milliseconds(50))
        let rate = Double(Self.together * Self.turns) / many.seconds
        report(
            BenchRow(
                name: "agent: 1,000 at once, answers in 50 ms", value: rate, unit: "turns/s", goal: "≥ 15,000 turns/s",
                reached: rate >= 15_000))
        let size = Double(many.bytes) / Double(Self.together) / 1000
        report(
            BenchRow(
                name: "agent: memory of one that waits", value: size, unit: "kB", goal: "≤ 20 kB", reached: size <= 20))
    }

    /// The time that agents take of which so many are under way at once, and what they hold while all wait for a first answer.
    private func seconds(
        of count: Int, together: Int, after delay: Duration
    ) async throws -> (seconds: Double, bytes: Int) {
        let provider = BenchProvider(turns: Self.turns, delay: delay, waits: together)
        let engine = WorkflowEngine(workers: together > 1 ? 2 : 1, host: provider, journal: nil)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: Self.script, named: "bench.lua", on: engine)
        let workflow = script.workflows[0]
        // What is made once is made before.
        provider.opens()
        _ = try await engine.createRun(workflow).run(input: .emptyObject)
        if together > 1 { provider.closes() }
        let before = residentBytes()
        let start = monotonicNanoseconds()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= together { _ = try await group.next() }
                group.addTask {
                    let record = try await engine.createRun(workflow).run(input: .emptyObject)
                    guard record.status == .success else {
                        throw RunFailure(code: "bench", message: "an agent of a benchmark ended \(record.statusName)")
                    }
                }
            }
            try await group.waitForAll()
        }
        return (Double(monotonicNanoseconds() - start) / 1e9, max(provider.bytes - before, 0))
    }
}

/// Calls a tool in each turn but the last, and answers after a time.
private final class BenchProvider: HostGateway {
    private let turns: Int
    private let delay: Duration
    private let waits: Int
    private let state = Mutex(State())

    private struct State {
        var isOpen = true
        var held: [@Sendable () -> Void] = []
        var bytes = 0
        /// By whether it is the last one of an agent.
        var prepared: [Bool: HostAnswer] = [:]
    }

    /// - Parameter waits: with how many first calls the memory is looked at.
    init(turns: Int, delay: Duration, waits: Int) {
        self.turns = turns
        self.delay = delay
        self.waits = waits
    }

    /// The memory of the process when as many agents waited as were asked for.
    var bytes: Int { state.withLock { $0.bytes } }

    func opens() { state.withLock { $0.isOpen = true } }

    /// The first answers are held back until so many are asked for.
    func closes() { state.withLock { $0.isOpen = false } }

    func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        // Each turn adds the message of the model and that of the tool.
        let turn = (max(call.payload["messages"]?.count ?? 0, 1) - 1) / 2 + 1
        let prepared = prepared(by: call.payload, isLast: turn >= turns)
        let reply: @Sendable () -> Void = { answer(prepared) }
        let (ready, isHeld) = state.withLock { state -> ([@Sendable () -> Void], Bool) in
            guard !state.isOpen else { return ([], false) }
            state.held.append(reply)
            guard state.held.count >= waits else { return ([], true) }
            state.bytes = residentBytes()
            state.isOpen = true
            defer { state.held = [] }
            return (state.held, true)
        }
        for reply in ready { after(delay, reply) }
        if !isHeld { after(delay, reply) }
        return nil
    }

    /// An answer as the host gives it. It is made once, so that the provider takes no time of the processor.
    private func prepared(by payload: Value, isLast: Bool) -> HostAnswer {
        if let known = state.withLock({ $0.prepared[isLast] }) { return known }
        let scripted: Value =
            isLast
            ? ["text": "25 days."]
            : ["tool_calls": [["id": "call", "name": "search", "arguments": "{\"query\":\"leave\"}"]]]
        let answer = ScriptedModel.answer(payload, with: scripted, at: 0, stream: nil)
        state.withLock { $0.prepared[isLast] = answer }
        return answer
    }

    private func after(_ delay: Duration, _ reply: @escaping @Sendable () -> Void) {
        guard delay > .zero else { return reply() }
        Task {
            try? await Task.sleep(for: delay)
            reply()
        }
    }
}
