internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// Scripts that processes load, and functions of theirs that belong to no run.
extension VMStation {
    func load(
        _ script: HostedScript, isPinned: Bool, _ answer: Answer<Result<ScriptDescription, ScriptError>>
    ) {
        let common = pool.options.sharing == .nobody ? nil : shared(for: script)
        // A script may take its time to load, or never come to an end of it: no run waits for that.
        let process = common.flatMap { $0.carriesRuns ? nil : $0 } ?? startSingle(.single)
        guard let process else { return answer.give(.failure(script.stopped)) }
        process.isLoading = true
        loads[script.number] = ScriptLoad(script: script, process: process, answer: answer)
        send(script, to: process, isPinned: isPinned)
    }

    private func ended(load number: Int64, _ result: Result<ScriptDescription, ScriptError>) {
        guard let load = loads.removeValue(forKey: number) else { return }
        load.script.endLoading()
        load.process.isLoading = loads.values.contains { $0.process === load.process }
        load.answer.give(result)
        release(load.process)
    }

    func fail(loadsIn process: HostedProcess, _ code: String, _ message: String) {
        for (number, load) in loads where load.process === process {
            ended(load: number, .failure(load.script.error(code, message)))
        }
    }

    func loaded(_ header: Value, by process: HostedProcess) throws(FrameFault) {
        if let number = header["script"]?.int { process.unloaded.remove(number) }
        guard let number = header["script"]?.int, process.scripts.contains(number) else {
            // It was forgotten meanwhile.
            return
        }
        let result: Result<ScriptDescription, ScriptError>
        if let error = header["error"] {
            guard let error = ScriptError(error) else { throw FrameFault("an error that is none") }
            process.scripts.remove(number)
            result = .failure(error)
            // Runs whose code does not load any more stay in the store.
            for hosted in process.runs.values where hosted.script.number == number {
                worker.giveUp(hosted.run, code: error.code, message: error.description)
            }
        } else {
            guard let description = header["description"].flatMap({ ScriptDescription($0) }) else {
                throw FrameFault("a script without a description")
            }
            result = .success(description)
        }
        if loads[number]?.process === process { ended(load: number, result) }
    }

    /// Answers what a script asks of the files and of the system.
    func asked(_ header: Value, by process: HostedProcess) throws(FrameFault) {
        guard let question = header["question"]?.int else { throw FrameFault("a question without a number") }
        var answer = [("question", Value(question))]
        var body: [UInt8] = []
        if let name = header["module"]?.string {
            let load = loads[header["script"]?.int ?? 0]
            switch load?.process === process ? load?.script.find(module: name) : nil {
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
        process.send(WireFrame(.told, Value(entries: answer), body: body))
    }

    /// Asks a process to call a function of a workflow.
    func ask(
        _ script: HostedScript, _ workflow: String, _ slot: CallbackSlot, named name: String, _ argument: Value,
        _ answer: Answer<Result<Value, RunFailure>>
    ) {
        guard let process = pool.options.sharing == .nobody ? startSingle(.single) : shared(for: script) else {
            return answer.give(.failure(.processesStopped))
        }
        send(script, to: process, isPinned: true)
        process.lastQuestion += 1
        process.questions[process.lastQuestion] = answer
        process.send(
            WireFrame(
                .call,
                [
                    "question": Value(process.lastQuestion), "script": Value(script.number),
                    "workflow": Value(workflow), "slot": Value(Int64(slot)), "name": Value(name),
                ], body: argument.withBytes { Array($0) }))
    }
}
