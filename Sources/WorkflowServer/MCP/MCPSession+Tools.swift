internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension MCPSession {
    /// How often a person is asked again whose answer does not fit.
    private static let askLimit = 3

    /// Carries out a tool's call.
    ///
    /// - Throws: ``RPCError`` for a tool that is not there; what a run comes to is a result, also where it failed.
    func perform(_ call: MCPCall) async throws -> Value {
        guard let name = call.params["name"]?.string else {
            throw RPCError(.invalidParams, "tools/call takes the name of a tool")
        }
        let arguments = call.params["arguments"].flatMap { $0.isNull ? Value?.none : $0 } ?? .emptyObject
        guard arguments.entries != nil else { throw RPCError(.invalidParams, "arguments has to be an object") }
        if name == MCPTool.runsName { return try await stateOfRun(arguments) }
        let tools = await offers.tools(for: principal)
        guard let tool = tools.first(where: { $0.name == name }) else {
            let hint = nearest(to: name, in: tools.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
            throw RPCError(.invalidParams, "There is no tool '\(name)'" + hint)
        }
        guard principal.may(.run) else { return MCPToolResult.error("Calls of workflows need a token of role 'run'") }
        do {
            var request = StartRequest(workflow: tool.workflow.id, input: tool.input(arguments))
            request.traceparent = call.traceparent
            let run = try await offers.directory.start(request).id
            await call.began(run, in: offers.directory)
            return try await follow(run, call)
        } catch let failure as RunFailure {
            return MCPToolResult.error("\(failure.message) (\(failure.code))")
        }
    }

    private func stateOfRun(_ arguments: Value) async throws -> Value {
        guard let id = arguments["runId"]?.string else { return MCPToolResult.error("runId has to be the id of a run") }
        let header = try await offers.directory.store.header(of: id)
        guard let header, principal.maySee(header.workflow) else {
            return MCPToolResult.error("There is no run '\(id)'")
        }
        let seconds = min(max(arguments["waitSeconds"]?.number ?? 0, 0), 60)
        let record =
            seconds > 0
            ? try await offers.directory.settled(id, within: .milliseconds(Int64(seconds * 1000)), following: true)
                .record
            : try await offers.directory.record(of: id)
        return tell(record)
    }

    private func tell(_ record: RunRecord) -> Value {
        do {
            return try record.telling { MCPToolResult.run(record, offers) }
        } catch {
            return MCPToolResult.error(APIError(error).message)
        }
    }

    /// Follows a run, and those that go on in its place, until it is over or waits for somebody whom the client does not ask.
    private func follow(_ run: String, _ call: MCPCall) async throws -> Value {
        var run = run
        while true {
            let record = try await followAlone(run, call)
            guard let next = record.restartedAs else { return tell(record) }
            run = next
        }
    }

    private func followAlone(_ run: String, _ call: MCPCall) async throws -> RunRecord {
        let directory = offers.directory
        let events = try await directory.events(of: run)
        defer { events.cancel() }
        var progress = MCPProgress(call.params)
        var answered: Set<String> = []
        while let item = await events.next() {
            switch item {
            case .events(let list): if let message = progress?.take(list) { await call.channel(message) }
            case .settled:
                let record = try await directory.record(of: run)
                if record.status.isTerminal { return record }
                // Somebody may have answered meanwhile.
                guard record.status == .waitingHuman || record.status == .waiting else { continue }
                let open = record.result().pending.filter { !answered.contains(Self.key($0)) }
                if record.status == .waitingHuman, open.isEmpty { continue }
                for pending in open {
                    guard try await isAnswered(pending, of: record, call) else {
                        return try await directory.record(of: run)
                    }
                    answered.insert(Self.key(pending))
                }
                if open.isEmpty { return record }
            case .transient, .idle: continue
            }
        }
        if case .failed(let code, let message) = await events.end { throw RunFailure(code: code, message: message) }
        return try await directory.record(of: run)
    }

    /// What tells a request to a person from another one of the same step.
    private static func key(_ pending: PendingHuman) -> String { "\(pending.requestedAt) \(pending.path)" }

    /// Asks the client's user what a step waits for.
    ///
    /// - Returns: false when nobody answered in a way that the step takes.
    private func isAnswered(_ pending: PendingHuman, of record: RunRecord, _ call: MCPCall) async throws -> Bool {
        guard call.canAsk, let form = ElicitationForm(pending, of: record, takesLists: takesLists) else { return false }
        var complaint: String?
        for _ in 0..<Self.askLimit {
            guard let answer = await ask(form.again(complaint), for: call), answer["action"]?.string == "accept"
            else { return false }
            do {
                try await offers.directory.answer(
                    record.id, step: pending.path, data: form.answer(answer["content"] ?? .emptyObject), by: signature)
                return true
            } catch let failure as RunFailure where failure.code == RunFailure.Code.invalidResponse {
                complaint = failure.message
            } catch let failure as RunFailure
                where failure.code == RunFailure.Code.notWaiting || failure.code == RunFailure.Code.over
            {
                return true
            }
        }
        return false
    }
}
