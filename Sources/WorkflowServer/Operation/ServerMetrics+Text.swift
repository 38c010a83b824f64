internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

private typealias Sample = PrometheusText.Sample

/// The figures as `/metrics` shows them.
extension ServerMetrics {
    /// The figures that somebody may see: of workflows those that they may see, and those of the process.
    func text(_ directory: RunDirectory, for principal: Principal) async -> String {
        countEnded()
        let state = state.withLock { $0.visible(to: principal) }
        var text = PrometheusText()
        state.addRuns(to: &text)
        state.addModels(to: &text)
        await Self.addStore(directory, for: principal, to: &text)
        Self.addWorkers(directory.engine.workers.map(\.figures), to: &text)
        if let memory = ProcessMemory.resident {
            text.add("process_resident_memory_bytes", .gauge, "Memory of the process.", memory)
        }
        text.add("aikit_sse_clients", .gauge, "Streams that are open.", streamCount)
        text.add(
            "aikit_http_requests_in_flight", .gauge, "Requests that are being answered, streams aside.", requestCount)
        state.addRequests(to: &text)
        return text.text
    }

    private static func addStore(
        _ directory: RunDirectory, for principal: Principal, to text: inout PrometheusText
    ) async {
        let statistics = principal.isLimited ? nil : try? await directory.store.statistics()
        let runs = principal.isLimited ? await Self.counts(directory.store, of: principal.workflows) : statistics?.runs
        if let runs {
            text.add(
                "aikit_stored_runs", .gauge, "Runs in the store by status.",
                RunMachine.Status.allCases.map { Sample(["status": $0.rawValue], runs[$0] ?? 0) })
            text.add("aikit_queue_length", .gauge, "Runs that have not begun.", runs[.queued] ?? 0)
        }
        if principal.isLimited { return }
        let figures = try? await directory.store.queueFigures()
        text.add(
            "aikit_queue_age_seconds", .gauge, "How long the oldest run that is due has not begun.",
            queueAge(figures, at: directory.engine.clock.now()))
        if let figures {
            text.add(
                "aikit_queue_waiting_runs", .gauge, "Runs in the queue, by what keeps them from beginning.",
                QueueFigures.Reason.allCases.map { Sample(["reason": $0.rawValue], figures.lengths[$0] ?? 0) })
        }
        if let bytes = statistics?.bytes { text.add("aikit_store_bytes", .gauge, "Size of the store.", bytes) }
        text.add("aikit_live_runs", .gauge, "Runs that this process drives.", directory.liveCount)
    }

    /// How many runs of some workflows there are in each status; nil where the store does not say it.
    private static func counts(_ store: any RunStore, of workflows: [String]) async -> [RunMachine.Status: Int]? {
        var counts: [RunMachine.Status: Int] = [:]
        for workflow in Set(workflows) {
            guard let own = try? await store.counts(of: workflow) else { return nil }
            counts.merge(own, uniquingKeysWith: +)
        }
        return counts
    }

    /// In seconds; what is to begin at a time counts from then.
    private static func queueAge(_ figures: QueueFigures?, at now: Int64) -> Double {
        guard let oldest = figures?.oldest else { return 0 }
        return Double(max(now.clamped(subtracting: oldest), 0)) / 1_000_000
    }

    /// What the workers tell of themselves.
    private static func addWorkers(_ workers: [WorkerFigures], to text: inout PrometheusText) {
        func add(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (WorkerFigures) -> String) {
            text.add(
                name, kind, help, workers.enumerated().map { Sample(["worker": "\($0.offset)"], value($0.element)) })
        }
        add("aikit_worker_busy_ratio", .gauge, "Share of its time that a worker has not slept.") { "\($0.busyRatio())" }
        add("aikit_worker_busy_seconds_total", .counter, "How long a worker has not slept.") {
            "\(Double($0.busyTime()) / 1_000_000)"
        }
        add("aikit_vm_memory_bytes", .gauge, "What the VMs of a worker hold.") { "\($0.memoryUsed)" }
        add(
            "aikit_vm_restarts_total", .counter, "Processes for Lua that died and in whose place another one goes on."
        ) { "\($0.vmRestarts)" }
        var commits = CommitTimes()
        for figures in workers { commits.add(figures.commitTimes) }
        var count = 0
        let buckets = zip(CommitTimes.bounds, commits.counts).map { bound, number in
            count += number
            return (bound: Double(bound) / 1_000_000, count: count)
        }
        text.add(
            "aikit_journal_commit_seconds", "Time from a batch of events to its being durable.", buckets,
            count: commits.counts.reduce(0, +), sum: Double(commits.total) / 1_000_000)
    }
}

extension ServerMetrics.State {
    /// What the figures say of workflows that the principal may see, and all that they say of other things.
    fileprivate func visible(to principal: Principal) -> ServerMetrics.State {
        guard principal.isLimited else { return self }
        var state = self
        state.runs = runs.filter { principal.maySee($0.key.first) }
        state.runTimes = runTimes.filter { principal.maySee($0.key) }
        state.stepTimes = stepTimes.filter { principal.maySee($0.key) }
        state.retries = retries.filter { principal.maySee($0.key) }
        state.usages = usages.filter { principal.maySee($0.key.first) }
        return state
    }

    fileprivate func addRuns(to text: inout PrometheusText) {
        text.add(
            "aikit_runs_total", .counter, "Runs that have ended here.",
            runs.sorted { $0.key < $1.key }.map {
                Sample(["workflow": $0.key.first, "status": $0.key.second], $0.value)
            })
        text.add("aikit_run_duration_seconds", "How long runs took, waits included.", by: "workflow", runTimes)
        text.add("aikit_step_duration_seconds", "How long steps took.", by: "workflow", stepTimes)
        text.add(
            "aikit_step_retries_total", .counter, "Attempts that failed and were followed by another one.",
            retries.sorted { $0.key < $1.key }.map { Sample(["workflow": $0.key], $0.value) })
    }

    fileprivate func addModels(to text: inout PrometheusText) {
        let usages = usages.reduce(into: [:]) { $0[$1.key.second, default: ModelUsage()] += $1.value }
            .sorted { $0.key < $1.key }
        text.add(
            "aikit_model_calls_total", .counter, "Answers of models in runs that have ended here.",
            usages.map { Sample(["model": $0.key], $0.value.calls) })
        text.add(
            "aikit_model_tokens_total", .counter, "Tokens of models; those that were cached are input too.",
            usages.flatMap { model, usage in
                [
                    Sample(["model": model, "kind": "input"], usage.inputTokens),
                    Sample(["model": model, "kind": "output"], usage.outputTokens),
                    Sample(["model": model, "kind": "cached_input"], usage.cachedInputTokens),
                ]
            })
        text.add(
            "aikit_model_cost_total", .counter, "What models cost, by the prices that scripts give.",
            usages.map { Sample(["model": $0.key], $0.value.cost) })
    }

    fileprivate func addRequests(to text: inout PrometheusText) {
        text.add(
            "aikit_http_requests_total", .counter, "Requests that were answered.",
            requests.sorted { $0.key < $1.key }.map {
                Sample(["route": $0.key.first, "status": $0.key.second], $0.value)
            })
        text.add("aikit_http_request_duration_seconds", "Time to the head of an answer.", by: "route", requestTimes)
    }
}
