import FlatValue
import Testing

@testable import WorkflowCore

/// What a callback of a test answers.
enum Answer {
    case value(Value)
    case failure(String, retryable: Bool = true)
}

/// Drives one run through its machine, with closures for callbacks and a clock that only moves when told to.
///
/// After every fact it checks that a second machine, which only ever sees the events, has come to the same state.
final class TestRun {
    typealias Callback = (Value) -> Answer

    let plan: Plan
    var callbacks: [CallbackSlot: Callback]
    var machine: RunMachine
    private var shadow: RunMachine
    private var shadowed = 0
    var log = RunLog()
    /// Microseconds since 1970.
    var time: Int64 = 1_700_000_000_000_000
    /// Commands that nobody has carried out yet.
    var pending: [Command] = []
    var retryChance = 0.0

    init(plan: Plan, callbacks: [CallbackSlot: Callback] = [:]) {
        self.plan = plan
        self.callbacks = callbacks
        machine = RunMachine(plan: plan)
        shadow = RunMachine(plan: plan)
    }

    convenience init(
        _ nodes: [NodeDefinition], metadata: Value? = nil, finalize: CallbackSlot? = nil,
        callbacks: [CallbackSlot: Callback] = [:]
    ) throws {
        let definition = WorkflowDefinition(id: "test", metadata: metadata, finalize: finalize, nodes: nodes)
        self.init(plan: try DefinitionReader.plan(from: definition.value), callbacks: callbacks)
    }

    deinit {
        // What a run has written can be read back, to the last event.
        do throws(JournalDamage) {
            _ = try JournalDecoder(plan: plan, events: log.eventBytes(from: 0), arena: log.arena.bytes)
        } catch {
            Issue.record("the journal of a run is refused: \(error)")
        }
        log.deallocate()
    }

    func store(_ value: Value) -> Slice { log.arena.writing { $0.write(value) } }

    func value(_ slice: Slice) -> Value { slice.isNone ? .null : Value(log.value(slice)) }

    // MARK: Facts

    func decide(_ fact: Fact) throws(Refusal) {
        let before = machine.copy()
        let count = log.count
        var refusal: Refusal?
        do throws(Refusal) { try machine.decide(fact, at: time, log: &log) } catch { refusal = error }
        if let refusal {
            #expect(log.count == count, "a refused fact wrote an event")
            let isSame = machine == before
            #expect(isSame, "a refused fact changed the state")
            throw refusal
        }
        while shadowed < log.count {
            shadow.apply(log[shadowed], log: log)
            shadowed += 1
        }
        let isReplayed = machine == shadow
        #expect(isReplayed, "the live state differs from the replayed one after event \(log.count)")
        for command in machine.commands.elements { take(command) }
        machine.commands.removeAll()
    }

    private func take(_ command: Command) {
        if command.kind == .unwait {
            pending.removeAll { $0.kind == .wait && $0.frame == command.frame && $0.serial == command.serial }
            return
        }
        if command.kind == .stop {
            pending.removeAll {
                ($0.kind == .invoke || $0.kind == .conclude) && $0.frame == command.frame && $0.serial == command.serial
            }
        }
        pending.append(command)
    }

    func start(_ input: Value = [:], metadata: Value? = nil, ctx: Value? = nil) throws {
        try decide(
            .started(
                input: store(input), metadata: store(metadata ?? plan.metadata), ctx: store(ctx ?? plan.ctx)))
    }

    /// The process dies and another one takes the run over from its log.
    ///
    /// - Parameter inCompany: code of other runs was under way in it.
    func crash(inCompany: Bool = false) throws {
        machine = TestRun.replay(plan, log, upTo: log.count)
        try decide(.recovered(cause: store(["reason": "crash"]), inCompany: inCompany))
        pending = machine.outstandingCommands()
    }

    /// Begins with the first events of another run's log.
    func take(over other: RunLog, upTo count: Int) {
        let bytes = UnsafeRawBufferPointer(rebasing: other.eventBytes(from: 0)[..<(count * MemoryLayout<Event>.stride)])
        log.append(events: bytes, arena: other.arena.bytes)
        for index in 0..<count { shadow.apply(log[index], log: log) }
        shadow.commands.removeAll()
        shadowed = count
    }

    /// Begins with events that were taken from elsewhere.
    func begin(_ events: UnsafeRawBufferPointer, _ arena: UnsafeRawBufferPointer) {
        log.append(events: events, arena: arena)
        machine = TestRun.replay(plan, log, upTo: log.count)
        shadow = machine.copy()
        shadowed = log.count
        pending = machine.outstandingCommands()
    }

    static func replay(_ plan: Plan, _ log: RunLog, upTo count: Int) -> RunMachine {
        var machine = RunMachine(plan: plan)
        for index in 0..<count { machine.apply(log[index], log: log) }
        machine.commands.removeAll()
        return machine
    }

    // MARK: Carrying out

    /// Carries out commands in their order until only answers from outside are missing; waits are left alone.
    func drive() throws {
        while let index = pending.firstIndex(where: { $0.kind != .wait && $0.kind != .finish }) {
            try carryOut(pending.remove(at: index))
        }
    }

    /// Lets the time come for the earliest wait.
    func fireNext() throws {
        guard
            let index = pending.indices.filter({ pending[$0].kind == .wait }).min(by: {
                pending[$0].time < pending[$1].time
            })
        else { return }
        try carryOut(pending.remove(at: index))
        try drive()
    }

    func carryOut(_ command: Command) throws {
        let (frame, serial) = (command.frame, command.serial)
        switch command.kind {
        case .invoke: try invoke(frame, serial)
        case .conclude: try conclude(frame, serial)
        case .close: try close(frame, serial)
        case .stop: try decide(.stopped(frame: frame, serial: serial))
        case .wait:
            time = max(time, command.time)
            try decide(.timerFired(frame: frame, serial: serial))
        case .depart: try decide(.departed)
        case .halt: try decide(.halted)
        case .unwait, .finish: break
        }
    }

    /// Calls a callback; a failure is told to the machine, and nil comes back.
    private func call(_ slot: CallbackSlot, _ argument: Value, _ frame: Int32, _ serial: UInt32) throws -> Value? {
        switch (callbacks[slot] ?? { .value($0) })(argument) {
        case .value(let value): return value
        case .failure(let message, let retryable):
            let error = ErrorObject(code: "error", message: message).write(into: &log.arena)
            try decide(.failed(frame: frame, serial: serial, error: error, retryable: retryable, chance: retryChance))
            return Optional.none
        }
    }

    private func invoke(_ frame: Int32, _ serial: UInt32) throws {
        let state = machine.frames[Int(frame)]
        let node = plan.nodes[Int(state.node)]
        let input = value(state.input)
        switch node.kind {
        case .workflow: try decide(.entered(frame: frame, serial: serial))
        case .step:
            guard let output = try call(node.callback, input, frame, serial) else { return }
            var next = Fact.usualNext
            if node.extra != 0, let target = try call(node.extra, output, frame, serial)?.string {
                let members = plan.bodies[Int(node.body)].members
                next = try #require(members.first { plan.details[Int($0)].id == target })
            }
            try decide(.completed(frame: frame, serial: serial, output: store(output), next: next))
        case .branch:
            guard let answer = try call(node.callback, input, frame, serial) else { return }
            try decide(.resolved(frame: frame, serial: serial, choice: choice(answer, node)))
        case .loop:
            let current = state.opened == 0 ? state.input : state.value
            guard let goesOn = try call(node.callback, value(current), frame, serial) else { return }
            if goesOn.bool == true {
                guard node.extra != 0 else {
                    return try decide(.continues(frame: frame, serial: serial, input: current))
                }
                guard let next = try call(node.extra, value(current), frame, serial) else { return }
                try decide(.continues(frame: frame, serial: serial, input: store(next)))
            } else if node.conclude != 0 {
                let results = value(machine.results(of: frame, &log))
                guard let output = try call(node.conclude, results, frame, serial) else { return }
                try decide(.completed(frame: frame, serial: serial, output: store(output), next: Fact.usualNext))
            } else {
                try decide(.ends(frame: frame, serial: serial))
            }
        case .foreach:
            guard let items = try call(node.callback, input, frame, serial) else { return }
            try decide(.listed(frame: frame, serial: serial, items: store(items)))
        case .human:
            let output = try node.conclude == 0 ? input : call(node.conclude, input, frame, serial)
            guard let output else { return }
            try decide(
                .asked(frame: frame, serial: serial, request: store(["output": output, "form": ["title": "?"]])))
        case .delay:
            guard let seconds = try call(node.callback, input, frame, serial)?.number else { return }
            try decide(.delayed(frame: frame, serial: serial, duration: Int64(seconds * 1e6)))
        case .parallel, .waitFor: Issue.record("a \(node.kind) has nothing to invoke")
        }
    }

    private func close(_ frame: Int32, _ serial: UInt32) throws {
        let closing = machine.closing
        var slot = plan.completion.slot(of: closing?.ending ?? .workflowError)
        var argument = value(machine.toldOutcome(closing?.outcome ?? .none, &log))
        if let step = machine.undone(in: frame) {
            slot = plan.nodes[Int(step.node)].compensate
            argument = value(step.output)
        }
        guard let output = try call(slot, argument, frame, serial) else { return }
        try decide(.completed(frame: frame, serial: serial, output: store(output), next: Fact.usualNext))
    }

    private func choice(_ answer: Value, _ node: PlanNode) -> Int32 {
        if answer.isNull { return node.hasOtherwise ? node.bodyCount - 1 : -1 }
        if let index = answer.int { return Int32(index) - 1 }
        return (0..<node.bodyCount).first { plan.bodies[Int(node.firstBody + $0)].name == answer.string } ?? -1
    }

    private func conclude(_ frame: Int32, _ serial: UInt32) throws {
        let node = plan.nodes[Int(machine.frames[Int(frame)].node)]
        var output = value(machine.results(of: frame, &log))
        if node.conclude != 0 {
            guard let shaped = try call(node.conclude, output, frame, serial) else { return }
            output = shaped
        }
        try decide(.completed(frame: frame, serial: serial, output: store(output), next: Fact.usualNext))
    }

    // MARK: From outside

    /// The frames that wait for a person.
    var humans: [Int32] {
        machine.frames.indices.filter {
            machine.frames[$0].phase == .waiting && plan.nodes[Int(machine.frames[$0].node)].kind == .human
        }.map { Int32($0) }
    }

    func reply(_ response: Value, at path: String? = nil) throws {
        let frame = try #require(humans.first { path == nil || machine.path(of: $0) == path })
        try decide(.replied(frame: frame, serial: machine.frames[Int(frame)].serial, response: store(response)))
    }

    func signal(_ name: String, _ payload: Value = [:]) throws {
        try decide(.signalled(signal: store(["name": Value(name), "payload": payload])))
    }

    func cancel(_ reason: String = "enough") throws {
        try decide(.cancelAsked(request: store(["reason": Value(reason)])))
    }

    // MARK: What happened

    /// Public events as `type path`, in order.
    var story: [String] {
        events.map { event in event.path.map { "\(event.type) \($0)" } ?? event.name }
    }

    var events: [RunEvent] {
        var renderer = EventRenderer(plan: plan, runID: "r")
        return renderer.render(from: 0, log: log)
    }

    var isOver: Bool { machine.isOver }

    var result: RunResult { RunReport.result(plan: plan, log: log) }

    /// The frame that runs the node at a path.
    func frame(at path: String) throws -> Int32 {
        let index = machine.frames.indices.first {
            machine.frames[$0].phase != .free && machine.path(of: Int32($0)) == path
        }
        return Int32(try #require(index, "nothing runs at \(path)"))
    }

    func serial(at path: String) throws -> UInt32 { machine.frames[Int(try frame(at: path))].serial }

    /// What must be true of every run that is over.
    func expectSoundEnd(_ note: String = "", sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isOver, "the run is not over \(note)", sourceLocation: sourceLocation)
        var started: [Int32: Int32] = [:]
        var isCancelled = false
        var isEnding = false
        var terminals = 0
        for index in 0..<log.count {
            let event = log[index]
            #expect(terminals == 0, "an event after the terminal one \(note)", sourceLocation: sourceLocation)
            if event.kind.isTerminal { terminals += 1 }
            switch event.kind {
            case .cancelRequested:
                #expect(!isEnding, "a cancel after the end was decided \(note)", sourceLocation: sourceLocation)
                isCancelled = true
            case .bodyOpened:
                #expect(!isCancelled, "a body opened after a cancel \(note)", sourceLocation: sourceLocation)
            case .stepStart:
                #expect(!isCancelled, "a step started after a cancel \(note)", sourceLocation: sourceLocation)
                if event.attempt == 1 {
                    #expect(
                        started[event.frame] == nil, "a step started within another \(note)",
                        sourceLocation: sourceLocation)
                    started[event.frame] = event.node
                }
            case .stepSuccess, .stepError, .stepCancelled:
                #expect(
                    started[event.frame] == event.node, "\(event.kind) of what had not started \(note)",
                    sourceLocation: sourceLocation)
                started[event.frame] = nil
            case .endingDecided: isEnding = true
            case .closingStart, .closingSuccess, .closingError, .closingRetry:
                #expect(isEnding, "\(event.kind) before the end is decided \(note)", sourceLocation: sourceLocation)
            case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .stepEvent,
                .stepBranch, .humanRequested, .humanCompleted, .stepRetry, .stepWaiting, .inputSettled, .itemsListed,
                .metadataSet, .ctxSet, .storeSet, .signalReceived, .log, .limitsSet, .answerSigned, .traced, .queued,
                .onceRecorded, .modelCalled, .tagsSet, .restartAsked:
                break
            }
        }
        #expect(terminals == 1, "\(terminals) terminal events \(note)", sourceLocation: sourceLocation)
        #expect(started.isEmpty, "steps without an end \(note)", sourceLocation: sourceLocation)
        let live = machine.frames.indices.filter {
            machine.frames[$0].phase != .free && machine.frames[$0].phase != .over
        }
        #expect(live.isEmpty, "live frames at the end \(note)", sourceLocation: sourceLocation)
        #expect(
            !pending.contains { $0.kind != .finish }, "commands after the end \(note)", sourceLocation: sourceLocation)
    }
}
