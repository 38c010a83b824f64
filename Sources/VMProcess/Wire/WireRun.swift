package import FlatValue
package import LuaWorkflows
package import WorkflowCore
package import WorkflowEngine

/// The files of a script, as they cross the socket: their sources, one behind the other, are the frame's body.
package struct WireFiles: Sendable {
    package var files: [ScriptBundle.File]

    package init(_ files: [ScriptBundle.File]) { self.files = files }

    package var header: Value {
        Value(
            array: files.map {
                ["module": Value($0.module), "path": Value($0.path), "length": Value(Int64($0.source.count))]
            })
    }

    package var body: [UInt8] { files.flatMap(\.source) }

    package init?(_ frame: WireFrame) {
        files = []
        var start = 0
        for item in frame.header["files"]?.array ?? [] {
            guard let module = item["module"]?.string, let path = item["path"]?.string,
                let length = item["length"]?.int, length >= 0, length <= frame.body.count - start
            else { return nil }
            let end = start + Int(length)
            files.append(ScriptBundle.File(module: module, path: path, source: Array(frame.body[start..<end])))
            start = end
        }
    }
}

/// What a VM process is told of a run's trace.
package enum WireTrace {
    /// The key of whether the run's spans are sent.
    package static let sampled = "sampled"

    package static func isSampled(_ header: Value) -> Bool { header[sampled]?.bool == true }
}

/// What a run begins with, as it goes to a VM process.
package struct WireBeginning {
    package var beginning: RunBeginning

    package init(_ beginning: RunBeginning) { self.beginning = beginning }

    /// - Parameter isSampled: whether the run's spans are sent.
    package func frame(run: String, script: Int64, workflow: String, isSampled: Bool = false) -> WireFrame {
        var entries: [(String, Value)] = [
            ("run", Value(run)), ("script", Value(script)), ("workflow", Value(workflow)), ("input", beginning.input),
        ]
        for (key, value) in [
            ("metadata", beginning.metadata), ("ctx", beginning.ctx), ("trace", beginning.trace),
            ("priority", beginning.queueing.priority.map { Value($0) }),
        ] {
            if let value { entries.append((key, value)) }
        }
        let tags = beginning.tags
        if !tags.given.isEmpty { entries.append(("tags", tags.given.value)) }
        if !tags.inherited.isEmpty { entries.append(("inherited", tags.inherited.value)) }
        if beginning.timeout > 0 { entries.append(("timeout", Value(beginning.timeout))) }
        if beginning.time > 0 { entries.append(("time", Value(beginning.time))) }
        if isSampled { entries.append((WireTrace.sampled, true)) }
        if beginning.queueing.isLeft { entries.append(("left", true)) }
        if beginning.queueing.isExempt { entries.append(("exempt", true)) }
        return WireFrame(.begin, Value(entries: entries))
    }

    package init(_ header: Value) {
        func tags(_ key: String) -> RunTags { header[key].flatMap { try? RunTags($0) } ?? .none }
        beginning = RunBeginning(
            input: header["input"] ?? .emptyObject, metadata: header["metadata"], ctx: header["ctx"],
            trace: header["trace"], tags: StartTags(inherited: tags("inherited"), given: tags("tags")),
            timeout: max(0, header["timeout"]?.int ?? 0),
            time: max(0, header["time"]?.int ?? 0),
            queueing: Queueing(
                priority: header["priority"]?.int, isLeft: header["left"]?.bool == true,
                isExempt: header["exempt"]?.bool == true))
    }
}

/// A run that has been recorded, as it goes to a VM process: its events, then its arena, are the frame's body.
package struct WireRun {
    package var journaled: JournaledRun
    package var stored: StoredRun

    /// - Parameters:
    ///   - run: all of it is durable.
    ///   - script: the number under which its code has been loaded.
    package static func frame(of run: Run, script: Int64) -> WireFrame {
        let events = run.log.eventBytes(from: 0)
        var body: [UInt8] = []
        body.reserveCapacity(events.count + run.log.arena.count)
        body.append(contentsOf: events)
        body.append(contentsOf: run.log.arena.bytes)
        return WireFrame(
            .restore,
            [
                "run": Value(run.id), "script": Value(script), "workflow": Value(run.plan.id),
                "events": Value(Int64(events.count)), "status": Value(run.machine.status.rawValue),
                "queued": Value(run.journaled?.isQueued == true), WireTrace.sampled: Value(run.isTraceSampled),
            ], body: body)
    }

    /// - Parameters:
    ///   - plan: of the run's workflow.
    ///   - generation: of the code.
    package init?(_ frame: WireFrame, plan: Plan, generation: String) {
        let header = frame.header
        guard let id = header["run"]?.string, let events = header["events"]?.int, events >= 0,
            events <= frame.body.count, let status = header["status"]?.string.flatMap(RunMachine.Status.init)
        else { return nil }
        let origin = RunOrigin(fingerprint: plan.fingerprint)
        journaled = JournaledRun(id: id, workflow: plan.id, generation: generation, origin: origin)
        journaled.isQueued = header["queued"]?.bool == true
        // The host has recorded what ended the process before this one.
        journaled.ownerEnd = .none
        stored = StoredRun(
            header: RunHeader(
                id: id, workflow: plan.id, generation: generation, origin: origin, status: status, createdAt: 0,
                updatedAt: 0, wakeAt: 0, sequence: Int(events) / MemoryLayout<Event>.stride,
                arena: frame.body.count - Int(events), owner: nil),
            after: 0, events: Array(frame.body[..<Int(events)]), arena: Array(frame.body[Int(events)...]))
    }
}
