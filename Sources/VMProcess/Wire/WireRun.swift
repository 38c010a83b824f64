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

    package init?(_ frame: Frame) {
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

/// A run of the store with what waits for it, as it goes to a VM process: its events, then its arena, are the frame's body.
package struct WireRun {
    package var journaled: JournaledRun
    package var stored: StoredRun
    package var messages: [InboxMessage]

    package init(journaled: JournaledRun, stored: StoredRun, messages: [InboxMessage]) {
        self.journaled = journaled
        self.stored = stored
        self.messages = messages
    }

    /// - Parameter script: the number under which its code has been loaded.
    package func frame(script: Int64) -> Frame {
        let end =
            switch journaled.ownerEnd {
            case .released: "released"
            case .diedAlone: "alone"
            case .diedInCompany: "company"
            }
        var entries: [(String, Value)] = [
            ("run", Value(journaled.id)), ("script", Value(script)), ("workflow", Value(journaled.workflow)),
            ("events", Value(Int64(stored.events.count))), ("status", Value(stored.header.status.rawValue)),
            ("end", Value(end)), ("queued", Value(journaled.isQueued)),
            ("messages", Value(array: messages.map(\.wire))),
        ]
        if let signal = journaled.deathSignal { entries.append(("signal", Value(signal))) }
        return Frame(.restore, Value(entries: entries), body: stored.events + stored.arena)
    }

    /// - Parameters:
    ///   - plan: of the run's workflow.
    ///   - generation: of the code.
    package init?(_ frame: Frame, plan: Plan, generation: String) {
        let header = frame.header
        guard let id = header["run"]?.string, let events = header["events"]?.int, events >= 0,
            events <= frame.body.count, let status = header["status"]?.string.flatMap(RunMachine.Status.init)
        else { return nil }
        let origin = RunOrigin(fingerprint: plan.fingerprint)
        journaled = JournaledRun(id: id, workflow: plan.id, generation: generation, origin: origin)
        journaled.isQueued = header["queued"]?.bool == true
        journaled.deathSignal = header["signal"]?.string
        journaled.ownerEnd =
            switch header["end"]?.string {
            case "alone": .diedAlone
            case "company": .diedInCompany
            default: .released
            }
        stored = StoredRun(
            header: RunHeader(
                id: id, workflow: plan.id, generation: generation, origin: origin, status: status, createdAt: 0,
                updatedAt: 0, wakeAt: 0, sequence: Int(events) / MemoryLayout<Event>.stride,
                arena: frame.body.count - Int(events), owner: nil),
            after: 0, events: Array(frame.body[..<Int(events)]), arena: Array(frame.body[Int(events)...]))
        messages = header["messages"]?.array?.compactMap { InboxMessage(wire: $0) } ?? []
    }
}
