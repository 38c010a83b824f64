internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The figures of `/metrics`.
///
/// Runs are counted off the workers: a record that settles is put aside, and read when the figures are next asked for or when
/// enough have come together.
final class ServerMetrics: Sendable {
    let state = Mutex(State())
    private let streams = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)
    private let ended = Mutex(Ended())
    private let batches: AsyncStream<Void>
    private let batch: AsyncStream<Void>.Continuation

    /// Runs that have ended and are not counted yet.
    struct Ended {
        private(set) var records: [RunRecord] = []
        /// The events and the bytes of all of them.
        private var eventCount = 0
        private var byteCount = 0

        /// What is counted at once, unless the figures are asked for before.
        static let batch = 256
        static let batchEvents = 4096
        static let batchBytes = 4 << 20
        /// When more runs end than can be counted, the figures miss some, and no worker waits.
        static let limit = 10_000
        static let limitBytes = 256 << 20

        /// Returns whether they are a batch.
        mutating func add(_ record: RunRecord) -> Bool {
            let bytes = record.log.size
            let isFull = records.count >= Self.limit || byteCount + bytes > Self.limitBytes
            if isFull, !records.isEmpty { return false }
            records.append(record)
            eventCount += record.log.count
            byteCount += bytes
            return records.count >= Self.batch || eventCount >= Self.batchEvents || byteCount >= Self.batchBytes
        }
    }

    struct State {
        var runs: [Labels: Int] = [:]
        var runTimes: [String: Histogram] = [:]
        var stepTimes: [String: Histogram] = [:]
        var retries: [String: Int] = [:]
        /// By workflow and model.
        var usages: [Labels: ModelUsage] = [:]
        var requests: [Labels: Int] = [:]
        var requestTimes: [String: Histogram] = [:]
        /// How many models of each workflow have figures of their own.
        private var modelCounts: [String: Int] = [:]

        /// How many models of one workflow, and how many routes, have figures of their own.
        static let modelLimit = 50
        static let routeLimit = 1000

        init() {}

        /// Counts what a model has used. Names of models may be made by scripts: those beyond the bound are `other`.
        mutating func add(_ usage: ModelUsage, of model: String, in workflow: String) {
            var labels = Labels(first: workflow, second: model)
            if usages[labels] == nil {
                if modelCounts[workflow, default: 0] < Self.modelLimit {
                    modelCounts[workflow, default: 0] += 1
                } else {
                    labels.second = "other"
                }
            }
            usages[labels, default: ModelUsage()] += usage
        }

        /// Counts a request by its method and route, of which clients say the method: those beyond the bound are `other`.
        mutating func add(request route: String, status: Int, seconds: Double) {
            let isKnown = requestTimes[route] != nil || requestTimes.count < Self.routeLimit
            let route = isKnown ? route : "other"
            requests[Labels(first: route, second: "\(status)"), default: 0] += 1
            requestTimes[route, default: Histogram()].add(seconds: seconds)
        }
    }

    struct Labels: Hashable, Comparable {
        var first: String
        var second: String

        static func < (left: Labels, right: Labels) -> Bool { (left.first, left.second) < (right.first, right.second) }
    }

    init() {
        (batches, batch) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Counting

    /// Takes a run that has settled; worker's thread.
    func settled(_ record: RunRecord) {
        guard record.status.isTerminal else { return }
        if ended.withLock({ $0.add(record) }) { batch.yield() }
    }

    /// Counts the runs that have ended, until its task is cancelled.
    func run() async {
        for await _ in batches { countEnded() }
    }

    /// Counts the runs that have ended until now.
    func countEnded() {
        let records = ended.withLock { ended in
            defer { ended = Ended() }
            return ended.records
        }
        for record in records { count(record) }
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
            for (model, usage) in usages { state.add(usage, of: model, in: workflow) }
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
        state.withLock { $0.add(request: route, status: status, seconds: duration / .seconds(1)) }
    }

    /// Counts a request as under way; false, and not counted, when there are as many as there may be. Streams count.
    func requestBegan(limit: Int) -> Bool {
        let count = requests.wrappingAdd(1, ordering: .relaxed).newValue
        if count &+ streams.load(ordering: .relaxed) <= limit { return true }
        requestEnded()
        return false
    }

    func requestEnded() { requests.wrappingSubtract(1, ordering: .relaxed) }

    var requestCount: Int { requests.load(ordering: .relaxed) }
    var streamCount: Int { streams.load(ordering: .relaxed) }
    func streamBegan() { streams.add(1, ordering: .relaxed) }
    func streamEnded() { streams.subtract(1, ordering: .relaxed) }
}
