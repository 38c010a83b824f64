internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A span within a step, as the journal has it: one that a script made, the call of a model, or a request.
struct MadeSpan {
    enum Content {
        /// What the script says of it.
        case script(attributes: Value?)
        /// What the journal says of the call of a model; with the messages that it was asked with, which may not be all.
        case model(Value, input: Value?, isWhole: Bool)
        /// `{ method, url, host, port, status? }`.
        case http(Value)
    }

    struct Failure {
        var code: String
        var message: String
    }

    /// Tells the spans of a step's attempt apart that the script made, and grows as they begin: from 1 on; all others have numbers
    /// below 0.
    let index: Int
    /// The one of the script that it was made in: 0 for the step itself; nil where the journal does not say, as older ones do not of
    /// what the host did.
    let parent: Int?
    /// As it was given, of any length.
    let name: String
    /// Microseconds since 1970.
    let start: Int64
    private(set) var end: Int64
    let content: Content
    private(set) var failure: Failure?
    /// The id that was told to others while it was under way.
    let id: SpanID?

    /// Reads `{ name, index, parent?, attributes?, start, end?, error? }`, in milliseconds; nil for anything else. One without an end
    /// has begun only, and is to be ended by ``ended(at:failing:)``.
    init?(_ record: Value) {
        guard let name = record["name"]?.string, let number = record["index"]?.int, let start = record["start"]?.int,
            let index = Int(exactly: number)
        else { return nil }
        let end = record["end"]?.int ?? start
        self.name = name
        self.index = index
        parent = Self.parent(of: record) ?? 0
        content = .script(attributes: record["attributes"])
        (self.start, self.end) = (Self.microseconds(start), Self.microseconds(end))
        failure = record["error"]?.string.map { Failure(code: "error", message: $0) }
        id = nil
    }

    /// The same, which ends with the step that it lies in.
    ///
    /// - Parameter time: microseconds since 1970.
    func ended(at time: Int64, failing failure: Failure?) -> MadeSpan {
        var made = self
        (made.end, made.failure) = (time, failure)
        return made
    }

    /// Reads an ``EventKind/modelCalled``: `{ model, startedAt, endedAt, … }`; nil without these.
    ///
    /// - Parameter before: what was said before in the same conversation.
    init?(model record: Value, index: Int, after before: Conversation = Conversation(), failure: Value? = nil) {
        guard let name = record["model"]?.string, let start = record["startedAt"]?.int,
            let end = record["endedAt"]?.int
        else { return nil }
        self.name = "\(record["operation"]?.string ?? "chat") \(name)"
        self.index = index
        parent = Self.parent(of: record)
        (self.start, self.end) = (Self.microseconds(start), Self.microseconds(end))
        var conversation = before
        let input = record["input"].map { new in
            guard let new = new.array else { return new }
            conversation.append(new)
            return Value(array: conversation.messages)
        }
        content = .model(record, input: input, isWhole: !conversation.isCut)
        self.failure = failure.map(Self.failure)
        id = nil
    }

    /// Reads `{ name, start, end, http, error?, id? }` of a request, in milliseconds; nil for anything else.
    init?(http record: Value, index: Int) {
        guard let name = record["name"]?.string, let start = record["start"]?.int, let end = record["end"]?.int,
            let http = record["http"]
        else { return nil }
        self.name = name
        self.index = index
        parent = Self.parent(of: record)
        (self.start, self.end) = (Self.microseconds(start), Self.microseconds(end))
        content = .http(http)
        failure = record["error"].map(Self.failure)
        id = record["id"]?.string.flatMap { SpanID(hex: $0) }
    }

    /// Reads what the host tells of an operation: a request, or `{ model, error }` of a call that failed.
    static func host(_ record: Value, index: Int, after before: Conversation) -> MadeSpan? {
        guard let model = record["model"] else { return MadeSpan(http: record, index: index) }
        return MadeSpan(model: model, index: index, after: before, failure: record["error"])
    }

    private static func parent(of record: Value) -> Int? { record["parent"]?.int.flatMap { Int(exactly: $0) } }

    private static func failure(_ record: Value) -> Failure {
        Failure(code: record["code"]?.string ?? "_OTHER", message: record["message"]?.string ?? "failed")
    }

    private static func microseconds(_ milliseconds: Int64) -> Int64 {
        let (product, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
        return overflows ? 0 : product
    }

    /// The spans that were made in a step. One whose surroundings were never written lies in the step itself; what the host did and
    /// the journal does not place lies in the innermost span of the script that was open all the while.
    static func spans(_ made: [MadeSpan], in step: Span, _ writer: SpanWriter) -> [Span] {
        // Spans are numbered as they begin, so a parent has a smaller number than what lies in it.
        let scripted = made.filter { $0.index > 0 }.sorted { $0.index < $1.index }
        var times = [step.start...max(step.start, step.end)]
        var places: [Int: Int] = [:]
        var parents: [Int: Int] = [:]
        for made in scripted + made.filter({ $0.index <= 0 }) where places[made.index] == nil {
            let outer = made.parent ?? scripted.last { $0.start <= made.start && $0.end >= made.end }?.index
            let parent = outer.flatMap { (made.index <= 0 || $0 < made.index) && places[$0] != nil ? $0 : nil }
            parents[made.index] = parent
            let around = times[parent.flatMap { places[$0] } ?? 0]
            let start = min(max(made.start, around.lowerBound), around.upperBound)
            places[made.index] = times.count
            times.append(start...min(max(made.end, start), around.upperBound))
        }
        return made.map { made in
            let time = times[places[made.index] ?? 0]
            var span = Span(
                trace: step.trace, id: made.id ?? SpanID(parent: step.id, index: made.index),
                parent: parents[made.index].map { SpanID(parent: step.id, index: $0) } ?? step.id,
                name: writer.short(made.name),
                start: time.lowerBound, end: time.upperBound)
            span.isBrief = step.isBrief
            span.workflow = step.workflow
            span.role = if case .model = made.content { .model } else { .made }
            writer.describeMade(&span, made)
            return span
        }
    }
}

/// The spans that were made in one step, as many of them as are shown: the step's own has room beside them.
struct MadeSpans {
    /// Of the script's own, and of requests, in one part of a step. Each call of a model is shown.
    static let limit = 1000

    private(set) var spans: [MadeSpan] = []
    /// Those of the script that have begun and not ended, by their numbers.
    private(set) var begun: [Int: MadeSpan] = [:]
    /// How many there were besides.
    private(set) var dropped = 0
    private var scriptCount = 0
    private var requestCount = 0
    private var hostCount = 0

    /// The number of the next one that the host made.
    var nextOfHost: Int { -1 - hostCount }

    /// Adds one; nil is passed over.
    mutating func append(_ made: MadeSpan?) {
        guard let made else { return }
        if made.index < 0 { hostCount += 1 }
        switch made.content {
        case .script:
            begun[made.index] = nil
            scriptCount += 1
            if scriptCount > Self.limit { return drop(1) }
        case .http:
            requestCount += 1
            if requestCount > Self.limit { return drop(1) }
        case .model: break
        }
        spans.append(made)
    }

    /// Takes one of the script that has begun; nil is passed over. The whole one takes its place.
    mutating func begin(_ made: MadeSpan?) {
        guard let made, begun.count < Self.limit else { return }
        begun[made.index] = made
    }

    /// Ends those that are under way.
    ///
    /// - Parameters:
    ///   - time: microseconds since 1970.
    ///   - failure: why their step ended before them; nil where it has succeeded.
    mutating func end(at time: Int64, failing failure: MadeSpan.Failure?) {
        for made in begun.values.sorted(by: { $0.index < $1.index }) { append(made.ended(at: time, failing: failure)) }
        begun = [:]
    }

    /// Counts some that the journal does not have.
    mutating func drop(_ count: Int) { dropped = dropped.addingReportingOverflow(max(count, 0)).partialValue }
}
