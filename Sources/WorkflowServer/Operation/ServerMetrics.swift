internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The figures of `/metrics`.
///
/// Runs are counted off the workers: a record that settles is handed over, and read when the figures are next asked
/// for or a few hundred have come together.
final class ServerMetrics: Sendable {
    private let state = Mutex(State())
    private let streams = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)
    private let work: AsyncStream<RunRecord>
    private let source: AsyncStream<RunRecord>.Continuation

    fileprivate struct State {
        var runs: [Labels: Int] = [:]
        var runTimes: [String: Histogram] = [:]
        var stepTimes: [String: Histogram] = [:]
        var retries: [String: Int] = [:]
        /// By workflow and model.
        var usages: [Labels: ModelUsage] = [:]
        var requests: [Labels: Int] = [:]
        var requestTimes: [String: Histogram] = [:]
    }

    /// How many pairs of workflow and model have figures of their own.
    private static let modelLimit = 500

    fileprivate struct Labels: Hashable {
        var first: String
        var second: String
    }

    init() {
        // When more runs end than can be counted, the figures miss some, and no worker waits.
        (work, source) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    // MARK: Counting

    /// Takes a run that has settled; worker's thread.
    func settled(_ record: RunRecord) {
        if record.status.isTerminal { source.yield(record) }
    }

    /// Counts the runs that have ended, until its task is cancelled.
    func run() async {
        for await record in work { count(record) }
    }

    private func count(_ record: RunRecord) {
        let result = record.result()
        let workflow = record.plan.id
        let retries = (0..<record.log.count).count { record.log[$0].kind == .stepRetry }
        let usages = Self.usages(record.log)
        state.withLock { state in
            state.runs[Labels(first: workflow, second: result.status.rawValue), default: 0] += 1
            if let begin = result.startedAt, let end = result.finishedAt {
                state.runTimes[workflow, default: Histogram()].add(seconds: Double(end - begin) / 1000)
            }
            for step in result.steps {
                guard let end = step.finishedAt else { continue }
                state.stepTimes[workflow, default: Histogram()].add(seconds: Double(end - step.startedAt) / 1000)
            }
            for (model, usage) in usages {
                var labels = Labels(first: workflow, second: model)
                // Names of models may be made by scripts.
                if state.usages[labels] == nil, state.usages.count >= Self.modelLimit { labels.second = "other" }
                state.usages[labels, default: ModelUsage()] += usage
            }
            if retries > 0 { state.retries[workflow, default: 0] += retries }
        }
    }

    /// What each model has used in a run, without what the run took over from another one.
    private static func usages(_ log: RunLog) -> [String: ModelUsage] {
        let own = (0..<log.count).last { index in
            log[index].kind == .workflowResumed && log[index].item == ResumeCause.forked.rawValue
        }
        var usages: [String: ModelUsage] = [:]
        for index in (own ?? 0)..<log.count where log[index].kind == .modelCalled {
            let record = log.value(log[index].payload)
            usages[record["model"]?.string ?? "", default: ModelUsage()] += ModelUsage(of: record)
        }
        return usages
    }

    func request(_ route: String, status: Int, took duration: Duration) {
        state.withLock { state in
            state.requests[Labels(first: route, second: "\(status)"), default: 0] += 1
            state.requestTimes[route, default: Histogram()].add(seconds: duration / .seconds(1))
        }
    }

    /// Counts a request as under way; false, and not counted, when there are as many as there may be. Streams count.
    func requestBegan(limit: Int) -> Bool {
        let count = requests.wrappingAdd(1, ordering: .relaxed).newValue
        if count &+ streams.load(ordering: .relaxed) <= limit { return true }
        requestEnded()
        return false
    }

    func requestEnded() { requests.wrappingSubtract(1, ordering: .relaxed) }

    var streamCount: Int { streams.load(ordering: .relaxed) }
    func streamBegan() { streams.add(1, ordering: .relaxed) }
    func streamEnded() { streams.subtract(1, ordering: .relaxed) }

    // MARK: Text

    /// The figures that somebody may see: of workflows those that they may see, and those of the process.
    func text(_ directory: RunDirectory, for principal: Principal) async -> String {
        let state = state.withLock { $0.visible(to: principal) }
        var lines: [String] = []
        func family(_ name: String, _ type: String, _ help: String, _ samples: [String]) {
            lines.append("# HELP \(name) \(help)")
            lines.append("# TYPE \(name) \(type)")
            lines += samples
        }
        family(
            "aikit_runs_total", "counter", "Runs that have ended here.",
            state.runs.map {
                "aikit_runs_total{workflow=\"\(escaped($0.key.first))\",status=\"\($0.key.second)\"} \($0.value)"
            }.sorted())
        histograms(
            "aikit_run_duration_seconds", "How long runs took, waits included.", state.runTimes, "workflow", &lines)
        histograms("aikit_step_duration_seconds", "How long steps took.", state.stepTimes, "workflow", &lines)
        family(
            "aikit_step_retries_total", "counter", "Attempts that failed and were followed by another one.",
            state.retries.map { "aikit_step_retries_total{workflow=\"\(escaped($0.key))\"} \($0.value)" }.sorted())
        let usages = state.usagesByModel.sorted { $0.key < $1.key }
        family(
            "aikit_model_calls_total", "counter", "Answers of models in runs that have ended here.",
            usages.map { "aikit_model_calls_total{model=\"\(escaped($0.key))\"} \($0.value.calls)" })
        family(
            "aikit_model_tokens_total", "counter", "Tokens of models; those that were cached are input too.",
            usages.flatMap { model, usage in
                [
                    ("input", usage.inputTokens), ("output", usage.outputTokens),
                    ("cached_input", usage.cachedInputTokens),
                ]
                .map { "aikit_model_tokens_total{model=\"\(escaped(model))\",kind=\"\($0.0)\"} \($0.1)" }
            })
        family(
            "aikit_model_cost_total", "counter", "What models cost, by the prices that scripts give.",
            usages.map { "aikit_model_cost_total{model=\"\(escaped($0.key))\"} \($0.value.cost)" })
        if let counts = await Self.counts(directory, for: principal) {
            family(
                "aikit_stored_runs", "gauge", "Runs in the store by status.",
                RunMachine.Status.allCases.map { "aikit_stored_runs{status=\"\($0.rawValue)\"} \(counts[$0] ?? 0)" })
            family(
                "aikit_queue_length", "gauge", "Runs that have not begun.",
                ["aikit_queue_length \(counts[.queued] ?? 0)"])
        }
        if !principal.isLimited {
            let figures = try? await directory.store.queueFigures()
            family(
                "aikit_queue_age_seconds", "gauge", "How long the oldest run that is due has not begun.",
                ["aikit_queue_age_seconds \(Self.queueAge(figures, directory))"])
            if let figures {
                family(
                    "aikit_queue_waiting_runs", "gauge", "Runs in the queue, by what keeps them from beginning.",
                    QueueFigures.Reason.allCases.map {
                        "aikit_queue_waiting_runs{reason=\"\($0.rawValue)\"} \(figures.lengths[$0] ?? 0)"
                    })
            }
            if let bytes = (try? await directory.store.statistics())?.bytes {
                family("aikit_store_bytes", "gauge", "Size of the store.", ["aikit_store_bytes \(bytes)"])
            }
            family(
                "aikit_live_runs", "gauge", "Runs that this process drives.", ["aikit_live_runs \(directory.liveCount)"]
            )
        }
        workers(directory, &lines)
        if let memory = ProcessMemory.resident {
            family(
                "process_resident_memory_bytes", "gauge", "Memory of the process.",
                ["process_resident_memory_bytes \(memory)"])
        }
        family(
            "aikit_sse_clients", "gauge", "Streams that are open.",
            ["aikit_sse_clients \(streams.load(ordering: .relaxed))"])
        family(
            "aikit_http_requests_in_flight", "gauge", "Requests that are being answered, streams aside.",
            ["aikit_http_requests_in_flight \(requests.load(ordering: .relaxed))"])
        family(
            "aikit_http_requests_total", "counter", "Requests that were answered.",
            state.requests.map {
                "aikit_http_requests_total{route=\"\(escaped($0.key.first))\",status=\"\($0.key.second)\"} \($0.value)"
            }.sorted())
        histograms(
            "aikit_http_request_duration_seconds", "Time to the head of an answer.", state.requestTimes, "route", &lines
        )
        return lines.joined(separator: "\n") + "\n"
    }

    /// How many runs there are in each status; nil where the store does not say it.
    private static func counts(
        _ directory: RunDirectory, for principal: Principal
    ) async -> [RunMachine.Status: Int]? {
        guard principal.isLimited else { return (try? await directory.store.statistics())?.runs }
        var counts: [RunMachine.Status: Int] = [:]
        for workflow in Set(principal.workflows) {
            guard let own = try? await directory.store.counts(of: workflow) else { return nil }
            counts.merge(own, uniquingKeysWith: +)
        }
        return counts
    }

    /// In seconds; what is to begin at a time counts from then.
    private static func queueAge(_ figures: QueueFigures?, _ directory: RunDirectory) -> Double {
        guard let oldest = figures?.oldest else { return 0 }
        return Double(max(directory.engine.clock.now().clamped(subtracting: oldest), 0)) / 1_000_000
    }

    /// What the workers tell of themselves.
    private func workers(_ directory: RunDirectory, _ lines: inout [String]) {
        let figures = directory.engine.workers.map(\.figures)
        func family(_ name: String, _ type: String, _ help: String, _ value: (WorkerFigures) -> String) {
            lines.append("# HELP \(name) \(help)")
            lines.append("# TYPE \(name) \(type)")
            for (index, figures) in figures.enumerated() {
                lines.append("\(name){worker=\"\(index)\"} \(value(figures))")
            }
        }
        family("aikit_worker_busy_ratio", "gauge", "Share of its time that a worker has not slept.") {
            "\($0.busyRatio())"
        }
        family("aikit_worker_busy_seconds_total", "counter", "How long a worker has not slept.") {
            "\(Double($0.busyTime()) / 1_000_000)"
        }
        family("aikit_vm_memory_bytes", "gauge", "What the VMs of a worker hold.") { "\($0.memoryUsed)" }
        family(
            "aikit_vm_restarts_total", "counter", "Processes for Lua that died and in whose place another one goes on."
        ) { "\($0.vmRestarts)" }
        var commits = CommitTimes()
        for figures in figures { commits.add(figures.commitTimes) }
        let name = "aikit_journal_commit_seconds"
        lines.append("# HELP \(name) Time from a batch of events to its being durable.")
        lines.append("# TYPE \(name) histogram")
        var count = 0
        for (bound, number) in zip(CommitTimes.bounds, commits.counts) {
            count += number
            lines.append("\(name)_bucket{le=\"\(Double(bound) / 1_000_000)\"} \(count)")
        }
        let all = commits.counts.reduce(0, +)
        lines.append("\(name)_bucket{le=\"+Inf\"} \(all)")
        lines.append("\(name)_sum \(Double(commits.total) / 1_000_000)")
        lines.append("\(name)_count \(all)")
    }

    private func histograms(
        _ name: String, _ help: String, _ all: [String: Histogram], _ label: String, _ lines: inout [String]
    ) {
        lines.append("# HELP \(name) \(help)")
        lines.append("# TYPE \(name) histogram")
        for (value, histogram) in all.sorted(by: { $0.key < $1.key }) {
            lines += histogram.lines(name, "\(label)=\"\(escaped(value))\"")
        }
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
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

    fileprivate var usagesByModel: [String: ModelUsage] {
        usages.reduce(into: [:]) { $0[$1.key.second, default: ModelUsage()] += $1.value }
    }
}
