internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// The VM processes of one worker, and the runs that they drive. It belongs to the worker's thread.
final class VMStation: @unchecked Sendable {
    /// Processes for a single run that a station has at once.
    static let singleLimit = 16
    /// Processes of scripts without a run that it keeps.
    private static let idleLimit = 4

    let worker: Worker
    unowned let pool: VMPool
    private(set) var processes: [ObjectIdentifier: HostedProcess] = [:]
    /// Runs that wait for a process, the first one first.
    var line: [HostedRun] = []
    /// How often in a row a process could not be started, and whether the next try is still to come.
    var refusals = 0
    var isRefused = false
    /// Scripts that are being loaded.
    var loads: [Int64: ScriptLoad] = [:]
    /// Checks what processes record; between entries it holds nothing.
    var decoder: JournalDecoder

    struct ScriptLoad {
        let script: HostedScript
        let process: HostedProcess
        let answer: Answer<Result<ScriptDescription, ScriptError>>
    }

    init(of worker: Worker, in pool: VMPool) {
        self.worker = worker
        self.pool = pool
        // It takes on the plan of each run that it checks.
        decoder = JournalDecoder(
            plan: Plan(
                nodes: [PlanNode(kind: .workflow)], details: [NodeDetails(id: "")], bodies: [], schemas: [],
                metadata: .emptyObject, ctx: .emptyObject))
    }

    /// Has something done on the worker's thread; dropped once that has ended.
    func perform(_ body: @escaping @Sendable (VMStation) -> Void) { worker.perform { [self] _ in body(self) } }

    func process(of child: VMChild) -> HostedProcess? { processes[ObjectIdentifier(child)] }

    // MARK: Processes

    private func start(for purpose: HostedProcess.Purpose) -> HostedProcess? {
        let started = pool.start { [weak self] child, notice in
            guard let self else { return child.kill(because: nil) }
            let posted = worker.perform { _ in self.take(notice, from: child) }
            if !posted { child.kill(because: nil) }
        }
        guard let child = started else { return nil }
        let process = HostedProcess(child, for: purpose)
        processes[ObjectIdentifier(child)] = process
        let options = pool.options
        let scriptMemory = options.script.memoryLimit
        process.send(
            VMSettings(
                memory: VMSettings.addressSpace(scriptMemory: scriptMemory), scriptMemory: scriptMemory,
                isEager: options.isEager, hasFaults: options.hasFaults
            ).frame)
        return process
    }

    /// Starts what the first run is given to; `ready` is called once it takes runs, or ends.
    func warm(_ ready: @escaping () -> Void) {
        let isShared = pool.options.sharing == .everyone
        let known = processes.values.first { process in
            switch process.purpose {
            case .shared, .spare: !process.child.isEnding
            case .script, .single, .spent: false
            }
        }
        guard let process = known ?? start(for: isShared ? .shared : .spare), !process.isReady else { return ready() }
        process.readied.append(ready)
    }

    /// A process for a purpose of its own: one that stands ready, where there is one.
    func startSingle(_ purpose: HostedProcess.Purpose) -> HostedProcess? {
        let ready = processes.values.first { if case .spare = $0.purpose { !$0.child.isEnding } else { false } }
        let process = ready ?? start(for: purpose)
        process?.purpose = purpose
        // The next one is started before it is asked for.
        if pool.options.sharing != .everyone || ready != nil { _ = start(for: .spare) }
        return process
    }

    /// The process that a run is given to; nil where it has to wait for one, or the engine ends.
    private func process(for hosted: HostedRun) -> HostedProcess? {
        let isShared = !hosted.isSuspect && pool.options.sharing != .nobody
        if isShared {
            guard let process = shared(for: hosted.script) else { return nil }
            if process.hasRoom(for: hosted) { return process }
        }
        // One that waits for another run keeps its process meanwhile. What is large waits in line also where it is waited for.
        let mayExceed = isShared ? RunChain.split(hosted.id).number > 1 : worker.isAwaited(hosted.run)
        return mayExceed || countOfWorking < Self.singleLimit ? startSingle(.single) : nil
    }

    /// How many processes for a single run have one that waits for no other run.
    private var countOfWorking: Int {
        processes.values.count { process in
            guard case .single = process.purpose else { return false }
            return !process.runs.values.contains { worker.waitsForOthers($0.run) }
        }
    }

    func shared(for script: HostedScript) -> HostedProcess? {
        let known = processes.values.first { process in
            switch (process.purpose, pool.options.sharing) {
            case (.shared, .everyone): !process.child.isEnding
            case (.script(let number), .script): number == script.number && !process.child.isEnding
            default: false
            }
        }
        if let known { return known }
        // One that stands ready is taken; scripts that share nothing have no other use for it.
        if pool.options.sharing == .script { return startSingle(.script(script.number)) }
        return start(for: .shared)
    }

    /// Ends a process that nothing needs any more.
    private func end(_ process: HostedProcess) {
        process.purpose = .spent
        process.child.kill(because: nil)
    }

    /// Ends what is not shared once it has nothing to do.
    func release(_ process: HostedProcess) {
        guard process.runs.isEmpty, !process.isLoading else { return }
        switch process.purpose {
        case .single: end(process)
        case .script:
            let idle = processes.values.filter { process in
                if case .script = process.purpose { process.runs.isEmpty } else { false }
            }
            if idle.count > Self.idleLimit { end(process) }
        case .shared, .spare, .spent: break
        }
    }

    // MARK: Runs

    /// Gives a run to a process, if it is ready for that.
    func give(_ hosted: HostedRun) {
        let run = hosted.run
        guard case .waiting = hosted.place, !hosted.isInLine, !run.isLost, !run.isHeld else { return }
        if case .recorded = hosted.source {
            guard run.isDurable else { return }
            if run.machine.isOver { return leave(hosted) }
        }
        guard !isRefused, let process = process(for: hosted) else {
            hosted.isInLine = true
            return line.append(hosted)
        }
        give(hosted, to: process)
    }

    private func give(_ hosted: HostedRun, to process: HostedProcess) {
        hosted.place = .given(process)
        hosted.run.mirror?.isQuiet = false
        process.add(hosted)
        process.carriesRuns = true
        process.dropped.remove(hosted.id)
        send(hosted.script, to: process, isPinned: true)
        process.send(hosted.frame())
        for (message, _) in hosted.messages { process.send(WireFrame(.message, message.wire)) }
    }

    func send(_ script: HostedScript, to process: HostedProcess, isPinned: Bool) {
        guard process.scripts.insert(script.number).inserted else { return }
        process.unloaded.insert(script.number)
        process.send(script.loadFrame(isPinned: isPinned))
    }

    func moveLine() {
        while !isRefused, let hosted = line.first {
            guard !hosted.isGone, !hosted.run.isLost, !hosted.run.isHeld else {
                line.removeFirst()
                hosted.isInLine = false
                continue
            }
            guard let process = process(for: hosted) else { return }
            line.removeFirst()
            hosted.isInLine = false
            give(hosted, to: process)
        }
    }

    /// Nothing more of a run is taken from its process.
    func leave(_ hosted: HostedRun) {
        let process = hosted.process
        hosted.place = .gone
        hosted.run.mirror?.seat = nil
        hosted.run.mirror?.isQuiet = true
        for receipt in hosted.receipts { settle(receipt, .conflict, in: process) }
        hosted.receipts = []
        for (_, answered) in hosted.messages {
            answered(.refused(code: "over", message: "run \(hosted.id) is over; it waits for nobody"))
        }
        hosted.messages = []
        guard let process else { return }
        process.remove(hosted)
        for (number, call) in process.calls where call.run == hosted.id {
            process.calls[number] = nil
            call.operation?.cancel()
        }
        release(process)
        // One that has a process for itself makes room for others as that ends.
        if case .single = process.purpose { return }
        moveLine()
    }

    func drop(_ hosted: HostedRun) {
        if let process = hosted.process {
            process.dropped.insert(hosted.id)
            process.send(WireFrame(.drop, ["run": Value(hosted.id)]))
        }
        leave(hosted)
    }

    func hold(_ hosted: HostedRun) { hosted.process?.send(WireFrame(.hold, ["run": Value(hosted.id)])) }

    func deliver(
        _ message: InboxMessage, to hosted: HostedRun, _ answered: @escaping @Sendable (InboxAnswer) -> Void
    ) {
        if message.content.kind == .begin { hosted.isAdmitted = true }
        hosted.messages.append((message, answered))
        guard let process = hosted.process else { return give(hosted) }
        process.send(WireFrame(.message, message.wire))
    }

    /// More of a run is durable.
    func recorded(_ hosted: HostedRun) {
        let durable = hosted.run.durableEvents
        while let receipt = hosted.receipts.first, receipt.count <= durable {
            hosted.receipts.removeFirst()
            settle(receipt, .durable, in: hosted.process)
        }
        guard hosted.run.isDurable else { return }
        if hosted.run.isOver { return leave(hosted) }
        switch hosted.place {
        case .waiting: give(hosted)
        case .given(let process): rest(hosted, process)
        case .gone: break
        }
    }

    /// How far away the end of a wait has to be for a run to give its process back, in microseconds.
    private static let restingTime: Int64 = 1_000_000

    /// Takes a run that waits for somebody, or for long, from the process that it has for itself, so that another one may have it;
    /// it is given to a process again with a message, or when its time has come.
    private func rest(_ hosted: HostedRun, _ process: HostedProcess) {
        guard case .single = process.purpose, hosted.messages.isEmpty else { return }
        let machine = hosted.run.machine.status
        guard machine == .waitingHuman || machine == .waiting || machine == .queued else { return }
        let deadline = hosted.run.machine.earliestDeadline
        guard deadline == 0 || deadline > worker.now + Self.restingTime else { return }
        process.dropped.insert(hosted.id)
        process.remove(hosted)
        hosted.place = .waiting
        hosted.run.mirror?.isQuiet = true
        release(process)
        if deadline > 0 { worker.remind(hosted.run, at: deadline) }
    }

    func settle(_ receipt: HostedRun.Receipt, _ outcome: JournalOutcome, in process: HostedProcess?) {
        let batch = receipt.batch
        batch.outcomes[receipt.entry] = outcome
        batch.open -= 1
        guard batch.open == 0, let process else { return }
        process.send(WireFrame(.outcomes, WireOutcomes(number: batch.number, outcomes: batch.outcomes).header))
    }

    func retire(_ script: HostedScript) {
        for process in processes.values where process.scripts.remove(script.number) != nil {
            process.send(WireFrame(.forget, ["script": Value(script.number)]))
            if case .script(script.number) = process.purpose { release(process) }
        }
    }

    // MARK: The end

    /// The worker has ended: nobody gets an answer any more.
    func close() {
        for load in loads.values { load.answer.giveUp() }
        loads = [:]
        for process in processes.values {
            for answer in process.questions.values { answer.giveUp() }
            process.questions = [:]
            process.becomeReady()
        }
    }

    func ended(_ process: HostedProcess, _ end: VMChild.End) {
        processes[ObjectIdentifier(process.child)] = nil
        if case .spent = process.purpose {} else { worker.figures.lostVM() }
        // It has seen nothing of any script.
        let hasBegun = process.isReady
        process.becomeReady()
        for call in process.calls.values { call.operation?.cancel() }
        process.calls = [:]
        let why = end.fault ?? end.signal.map { "it died of \($0)" } ?? "it ended by itself"
        for answer in process.questions.values {
            answer.give(
                .failure(RunFailure(code: "vm_crashed", message: "the process that ran the function is gone: \(why)")))
        }
        process.questions = [:]
        if !hasBegun {
            let (code, why) =
                end.isShort
                ? (ScriptError.noDescriptorCode, ScriptError.noDescriptor(why)) : (ScriptError.noProcessCode, why)
            fail(loadsIn: process, code, "the process that loads the script cannot be started now: \(why)")
        } else {
            fail(loadsIn: process, HostedScript.crashedCode, "the process that loaded the script is gone: \(why)")
        }
        let open = process.removeAll()
        if !open.isEmpty, !hasBegun {
            postpone(open, why)
        } else if !open.isEmpty {
            pool.options.told("the process in which Lua ran is gone: \(why); its runs go on in another one")
            let cause = end.mark == 0 ? nil : open.first { $0.run.mark == end.mark }
            let isAlone = open.count { $0.run.machine.status == .running } <= 1
            for hosted in open {
                var owner = cause.map { $0 === hosted ? OwnerEnd.diedAlone : .diedOfAnother }
                if end.isOfHost { owner = .diedOfAnother }
                revive(hosted, after: end, owner ?? (isAlone ? .diedAlone : .diedInCompany))
            }
        }
        moveLine()
    }

    /// Has a run go on from what it has recorded, in another process.
    private func revive(_ hosted: HostedRun, after end: VMChild.End, _ owner: OwnerEnd) {
        let run = hosted.run
        hosted.place = .waiting
        hosted.receipts = []
        run.mirror?.isQuiet = true
        guard !run.isLost else { return leave(hosted) }
        for attempt in hosted.spent { worker.timeOut(run, frame: attempt.frame, serial: attempt.serial) }
        hosted.spent = []
        hosted.attempts = [:]
        hosted.stop = nil
        let signal = end.signal ?? "an exit of its own"
        // A process may accuse the wrong run: that one comes to its end alone, and the guilty one is counted sooner or later.
        let deaths = owner == .diedOfAnother && hosted.bystands() ? 0 : hosted.died()
        guard deaths <= RunMachine.crashLimit + 1 else {
            return worker.fail(
                run, code: HostedScript.crashedCode,
                message: "the process in which the run was ended \(deaths) times without any progress, the last time "
                    + "with \(signal)")
        }
        if run.log.count > 0 {
            hosted.source = .recorded
            worker.recover(run, from: deaths == 0 ? .diedOfAnother : owner, signal: signal)
            hosted.isSuspect = run.machine.hasCrashed || deaths > 1
        } else {
            hosted.isSuspect = deaths > 1
        }
        if run.isHeld { return worker.enqueue(run) }
        give(hosted)
    }
}

extension RunFailure {
    static let processesStopped = RunFailure(
        code: RunFailure.Code.engineStopped,
        message: "the engine has stopped; a run that is stored can be taken up again")
}
