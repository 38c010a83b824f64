import FlatValue
import Testing

@testable import WorkflowCore

/// The shapes that leave the engine.
@Suite struct `Telling of a run` {
    private func keys(_ value: Value?) -> [String] { value?.entries?.map(\.key).sorted() ?? [] }

    @Test func `an event has its envelope`() throws {
        let run = try TestRun([.step("a", handler: 1)], metadata: ["team": "ops"])
        try run.start(["n": 1])
        try run.drive()
        let events = run.events
        #expect(
            events[0].value == [
                "type": "workflow:start", "workflowId": "test", "runId": "r",
                "sequence": Value(Int64(events[0].sequence)),
                "timestamp": 1_700_000_000_000, "metadata": ["team": "ops"], "data": ["n": 1],
            ])
        let envelope = [
            "attempt", "data", "metadata", "occurrence", "path", "runId", "sequence", "stepId", "timestamp", "type",
            "workflowId",
        ]
        #expect(keys(events[1].value) == envelope)
        #expect(events[1].stepID == "a" && events[1].path == "a" && events[1].attempt == 1 && events[1].occurrence == 1)
        #expect(events[1].json.hasPrefix(#"{"attempt":1,"data":{"n":1},"#))
        #expect(events.last?.data == ["n": 1])
        for (event, later) in zip(events, events.dropFirst()) { #expect(event.sequence < later.sequence) }
    }

    @Test func `a branch tells of its choice before its success, and cases join after it`() throws {
        let run = try TestRun(
            [
                .step("read", handler: 1),
                .branch(
                    "risk", resolve: 2,
                    cases: ["storm": [.step("warn", handler: 3)], "calm": [.step("brief", handler: 3)]]),
                .step("publish", handler: 1),
            ], callbacks: [2: { _ in .value("storm") }, 3: { _ in .value(["text": "STORM"]) }])
        try run.start(["city": "Brest"])
        try run.drive()
        #expect(
            run.story.filter { !$0.hasPrefix("workflow") } == [
                "step:start read", "step:success read", "step:start risk", "step:branch risk", "step:success risk",
                "step:start risk/warn", "step:success risk/warn", "step:start publish", "step:success publish",
            ])
        let choice = try #require(run.events.first { $0.type == "step:branch" })
        #expect(choice.data == ["branchId": "storm", "nextStepId": "warn", "conditionStepId": "risk"])
        let steps = run.result.steps
        #expect(steps.map(\.stepID) == ["read", "risk", "warn", "publish"])
        #expect(steps.map(\.nextStepID) == ["risk", "warn", "publish", nil])
        #expect(
            steps[1].branchID == "storm" && steps[1].output == ["city": "Brest"] && steps[1].input == ["city": "Brest"])
        #expect(steps[2].path == "risk/warn")
    }

    @Test func `a branch in a list is its index, and otherwise says so`() throws {
        let list = try Value(
            json: #"""
                {"kind":"workflow","id":"w","nodes":[{"kind":"branch","id":"b","resolve":1,"list":true,"cases":[
                 {"name":1,"body":[{"kind":"step","id":"low","handler":2}]},
                 {"name":2,"body":[{"kind":"step","id":"mid","handler":2}]}],
                 "otherwise":[{"kind":"step","id":"none","handler":2}]}]}
                """#)
        for (answer, branch, next) in [(2, 2, "mid"), (nil, "otherwise", "none")] as [(Value, Value, String)] {
            let run = TestRun(plan: try DefinitionReader.plan(from: list), callbacks: [1: { _ in .value(answer) }])
            try run.start()
            try run.drive()
            #expect(run.result.steps[0].branchID == branch)
            #expect(run.result.steps[0].nextStepID == next)
            #expect(run.result.steps[1].nextStepID == nil)
        }
    }

    @Test func `a branch that goes on has no branch id`() throws {
        let run = try TestRun(
            [.branch("page", resolve: 1, cases: ["page": [.step("call", handler: 2)]]), .step("done", handler: 2)],
            callbacks: [1: { _ in .value(nil) }])
        try run.start()
        try run.drive()
        let step = run.result.steps[0]
        #expect(step.branchID == Value?.none && step.nextStepID == "done")
        #expect(step.value["branchId"] == Value?.none)
    }

    @Test func `steps of parallel branches carry the group and the branch`() throws {
        let run = try TestRun(
            [
                .parallel(
                    "prepare",
                    branches: [
                        "cluster": [.step("create", handler: 1), .step("ingress", handler: 1)],
                        "monitor": [.foreach("each", items: 2, body: [.step("board", handler: 1)])],
                    ])
            ], callbacks: [2: { _ in .value([1]) }])
        try run.start(["env": "prod"])
        try run.drive()
        let create = try #require(run.events.first { $0.stepID == "create" })
        #expect(create.parallelGroupID == "prepare" && create.parallelBranchID == "cluster")
        #expect(create.path == "prepare[cluster]/create")
        let board = try #require(run.events.first { $0.stepID == "board" })
        #expect(board.parallelGroupID == "prepare" && board.parallelBranchID == "monitor")
        #expect(board.path == "prepare[monitor]/each[1]/board")
        let group = try #require(run.events.first { $0.stepID == "prepare" })
        #expect(group.parallelGroupID == nil && group.parallelBranchID == Value?.none)
        let result = run.result
        #expect(result.snapshots(of: "create").map(\.nextStepID) == ["ingress"])
        #expect(result.snapshots(of: "ingress").map(\.nextStepID) == [nil])
        #expect(result.snapshots(of: "prepare").first?.output == ["cluster": ["env": "prod"], "monitor": [1]])
    }

    @Test func `a person's step tells what it asks and what was answered`() throws {
        let run = try TestRun(
            [.human("review", output: 1), .step("close", handler: 2)], callbacks: [1: { .value(["case": $0]) }])
        try run.start("app-1")
        try run.drive()
        let requested = try #require(run.events.last)
        #expect(requested.type == "step:human:requested")
        #expect(
            requested.data == [
                "runId": "r", "stepId": "review", "workflowId": "test", "output": ["case": "app-1"],
                "form": ["title": "?"],
                "requestedAt": 1_700_000_000_000,
            ])
        let waiting = run.result
        #expect(waiting.status == .waitingHuman)
        #expect(waiting.steps.map(\.status) == [.waitingHuman])
        #expect(waiting.steps[0].nextStepID == nil && waiting.steps[0].finishedAt == nil && waiting.finishedAt == nil)
        #expect(waiting.steps[0].output == Value?.none)
        #expect(
            waiting.value["pendingHuman"] == [
                "stepId": "review", "path": "review", "output": ["case": "app-1"], "form": ["title": "?"],
                "requestedAt": 1_700_000_000_000,
            ])
        let before = run.log.count
        try run.reply(["decision": "approve"])
        try run.drive()
        var renderer = EventRenderer(plan: run.plan, runID: "r")
        for index in 0..<before { renderer.skip(run.log[index], log: run.log) }
        let after = renderer.render(from: before, log: run.log)
        #expect(
            after.map(\.type) == [
                "step:human:completed", "step:success", "step:start", "step:success", "workflow:success",
            ])
        #expect(after[0].data == ["response": ["decision": "approve"], "nextStepId": "close"])
        #expect(run.result.pendingHuman == nil)
        #expect(run.result.steps[0].output == ["decision": "approve"])
    }

    @Test func `an error is the same in the event, the snapshot and the result`() throws {
        let run = try TestRun(
            [.step("reserve", handler: 1), .step("ship", handler: 2), .step("notify", handler: 1)],
            callbacks: [2: { _ in .failure("ship.lua:11: no stock") }])
        try run.start(["sku": 9])
        try run.drive()
        let error: Value = ["code": "error", "message": "ship.lua:11: no stock", "step": "ship"]
        #expect(run.events.first { $0.type == "step:error" }?.data == error)
        #expect(run.events.last?.type == "workflow:error" && run.events.last?.data == error)
        let result = run.result
        #expect(result.status == .failed && result.result == Value?.none && result.error == error)
        #expect(result.steps.map(\.status) == [.success, .failed])
        #expect(result.steps[1].error == error && result.steps[1].nextStepID == nil)
        #expect(result.value["result"] == Value?.none)
    }

    @Test func `the error of a body says where`() throws {
        let run = try TestRun(
            [.foreach("enrich", items: 1, body: [.step("translate", handler: 2)])],
            callbacks: [1: { _ in .value([1, 2]) }, 2: { $0.int == 2 ? .failure("no such word") : .value($0) }])
        try run.start()
        try run.drive()
        #expect(run.result.error?["message"] == "enrich[2]/translate: no such word")
        let errors = run.events.filter { $0.type == "step:error" }
        #expect(errors.map(\.path) == ["enrich[2]/translate", "enrich"])
        #expect(errors.map { $0.data?["message"]?.string } == ["no such word", "enrich[2]/translate: no such word"])
    }

    @Test func `the input of a snapshot is the one that its schema left`() throws {
        let run = try TestRun([.step("a", handler: 1)])
        try run.start(["n": "1"])
        let frame = try run.frame(at: "a")
        try run.decide(.inputSettled(frame: frame, serial: try run.serial(at: "a"), input: run.store(["n": 1])))
        try run.drive()
        #expect(run.result.steps[0].input == ["n": 1])
        #expect(run.events.first { $0.type == "step:start" }?.data == ["n": "1"])
    }

    @Test func `a run whose input was refused has one event and no steps`() throws {
        let run = try TestRun([.step("a", handler: 1)], metadata: ["team": "ops"])
        try run.decide(.inputRefused(error: run.store(["code": "invalid_input", "message": "city: missing"])))
        #expect(run.events.map(\.type) == ["workflow:error"])
        let result = run.result
        #expect(result.status == .failed && result.steps.isEmpty && result.metadata == ["team": "ops"])
        #expect(result.startedAt == result.finishedAt && result.startedAt != nil)
    }

    @Test func `metadata is shown as it was at each event`() throws {
        let run = try TestRun([.step("first", handler: 1), .step("second", handler: 1)], metadata: ["team": "ops"])
        try run.start()
        let frame = try run.frame(at: "first")
        try run.decide(.metadataSet(frame: frame, value: run.store(["team": "ops", "count": 1])))
        try run.decide(.emitted(frame: frame, event: run.store(["name": "progress", "payload": ["done": 1]])))
        try run.drive()
        #expect(run.events.map { $0.metadata["count"]?.int } == [nil, nil, 1, 1, 1, 1, 1])
        #expect(run.events[2].data == ["name": "progress", "payload": ["done": 1]])
    }

    @Test func `a retry tells of the error and of the next attempt`() throws {
        let run = try TestRun(
            [.step("a", handler: 1, retry: .init(maxAttempts: 2, initial: .milliseconds(100)))],
            callbacks: [1: { _ in .failure("not yet") }])
        try run.start()
        try run.drive()
        #expect(run.result.steps.map(\.status) == [.waiting])
        #expect(
            run.events.last?.data == [
                "code": "error", "message": "not yet", "step": "a", "nextAttempt": 2, "delayMs": 100,
            ])
    }

    @Test func `several waits are all pending`() throws {
        let run = try TestRun([.parallel("both", branches: ["l": [.human("a")], "r": [.human("b")]])])
        try run.start()
        try run.drive()
        let value = run.result.value
        #expect(value["pending"]?.array?.map { $0["path"]?.string } == ["both[l]/a", "both[r]/b"])
        #expect(value["pendingHuman"]?["path"] == "both[l]/a")
    }

    @Test func `a cancelled run tells why`() throws {
        let run = try TestRun([.step("slow", handler: 1)])
        try run.start()
        try run.cancel("bored")
        try run.drive()
        let result = run.result
        #expect(result.status == .cancelled && result.steps.map(\.status) == [.cancelled])
        #expect(result.error?["reason"] == "bored")
    }

    @Test func `a renderer that follows a live run tells the same as one that reads the log`() throws {
        let random = try RandomRun(seed: 77, cancels: true)
        let run = random.run
        try random.finish()
        var live = EventRenderer(plan: run.plan, runID: "r")
        #expect((0..<run.log.count).compactMap { live.render(run.log[$0], log: run.log) } == run.events)
        var report = RunReport(plan: run.plan)
        report.follow(run.log)
        #expect(report.result(run.log) == run.result)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `paths are those of the machine`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed)
        try random.finish()
        let run = random.run
        var machine = RunMachine(plan: run.plan)
        var renderer = EventRenderer(plan: run.plan, runID: "r")
        for index in 0..<run.log.count {
            let event = run.log[index]
            let before = machine.copy()
            machine.apply(event, log: run.log)
            guard let shown = renderer.render(event, log: run.log), let path = shown.path else { continue }
            let state = event.kind == .stepStart ? machine.copy() : before
            let expected = state.path(of: event.frame, node: event.node)
            let occurrence = Int(state.frames[Int(event.frame)].occurrence)
            #expect(path == expected)
            #expect(shown.occurrence == occurrence)
        }
    }
}
