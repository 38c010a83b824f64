package import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A script that VM processes load.
struct HostedScript {
    /// The files that it was given, and what it asked for besides.
    var source: ScriptSource
    /// The script as the host sees it, once it has been loaded.
    var script: LuaScript?
    /// Who waits for it.
    var waiting: [CheckedContinuation<LuaScript, any Error>] = []

    var isLoading: Bool { !waiting.isEmpty }
}

extension VMSupervisor {
    /// Loads a script with the modules that it requires.
    ///
    /// - Throws: ``ScriptError`` with what is wrong with it, ``RunFailure`` where there is no process for it.
    package func load(path: String) async throws -> LuaScript {
        try await load(try ScriptSource(path: path), isPinned: false)
    }

    /// Loads a script from the files that an earlier load kept.
    package func load(bundle: ScriptBundle) async throws -> LuaScript {
        try await load(ScriptSource(bundle: bundle), isPinned: true)
    }

    private func load(_ source: ScriptSource, isPinned: Bool) async throws -> LuaScript {
        try await withCheckedThrowingContinuation { continuation in
            perform { supervisor in
                if isPinned, let known = supervisor.scripts.values.first(where: { $0.source.bundle == source.bundle }),
                    let script = known.script
                {
                    return continuation.resume(returning: script)
                }
                supervisor.lastScript += 1
                let number = supervisor.lastScript
                supervisor.scripts[number] = HostedScript(source: source, waiting: [continuation])
                supervisor.send(number, isPinned: isPinned)
            }
        }
    }

    private func send(_ number: Int64, isPinned: Bool) {
        guard let script = scripts[number] else { return }
        guard let child = liveChild() else { return fail(script: number, RunFailure.vmStopped) }
        let files = WireFiles(isPinned ? script.source.bundle.files : [script.source.bundle.script])
        child.send(
            Frame(
                .load, ["script": Value(number), "files": files.header, "pinned": Value(isPinned)], body: files.body))
    }

    /// Has another process load a script again, for the runs that follow.
    func reload(_ number: Int64) { send(number, isPinned: true) }

    func fail(script number: Int64, _ error: any Error) {
        guard var script = scripts[number] else { return }
        let waiting = script.waiting
        script.waiting = []
        scripts[number] = script.script == nil ? nil : script
        for continuation in waiting { continuation.resume(throwing: error) }
    }

    func loaded(_ header: Value) throws(FrameFault) {
        guard let number = header["script"]?.int, var script = scripts[number] else {
            throw FrameFault("a script that it was not given")
        }
        if let error = header["error"] {
            guard let error = ScriptError(error) else { throw FrameFault("an error that is none") }
            fail(script: number, error)
            // Runs whose code does not load any more stay in the store.
            for run in runs.values where run.script == number && !run.isGone {
                run.lose(RunFailure(code: error.code, message: error.description), in: self)
            }
            return
        }
        guard let description = header["description"].flatMap({ ScriptDescription($0) }) else {
            throw FrameFault("a script without a description")
        }
        // Another process says again what was known already.
        guard script.script == nil else { return }
        do throws(ScriptError) {
            let loaded = try LuaScript(description, of: script.source.bundle)
            script.script = loaded
            let waiting = script.waiting
            script.waiting = []
            scripts[number] = script
            for continuation in waiting { continuation.resume(returning: loaded) }
        } catch {
            fail(script: number, error)
        }
    }

    /// Answers what a script asks of the files and of the system.
    func asked(_ header: Value) throws(FrameFault) {
        guard let question = header["question"]?.int else { throw FrameFault("a question without a number") }
        var answer = [("question", Value(question))]
        var body: [UInt8] = []
        if let name = header["module"]?.string {
            guard let number = header["script"]?.int, scripts[number] != nil else {
                throw FrameFault("a module of no script")
            }
            // What has been loaded is what it is; nothing is added to it.
            let isOpen = scripts[number]?.script == nil
            switch isOpen ? scripts[number]?.source.find(module: name) : nil {
            case .found(let path, let source):
                answer.append(("path", Value(path)))
                body = source
            case .missing(let places): answer.append(("places", Value(places)))
            case .failed(let text): answer.append(("failure", Value(text)))
            case nil: answer.append(("places", "the files that were loaded"))
            }
        } else if let zone = header["zone"]?.string, zone.utf8.count <= 100, let time = header["at"]?.int {
            if let offset = SystemZones.offset(of: zone, at: Int(clamping: time)) {
                answer.append(("offset", Value(Int64(offset))))
            }
        }
        child?.send(Frame(.told, Value(entries: answer), body: body))
    }
}
