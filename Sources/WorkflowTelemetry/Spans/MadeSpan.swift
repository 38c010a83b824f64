internal import WorkflowCore

/// A span within a step, as the journal has it: one that a script made, or the call of a model.
struct MadeSpan {
    /// Counts the spans of a step's attempt that the script made, from 1; calls of models have numbers below 0.
    let index: Int
    /// The one that it was made in.
    let parent: Int?
    let name: String
    let attributes: Value?
    /// Microseconds since 1970.
    let start: Int64
    let end: Int64
    let error: String?
    /// What the journal says of the call of a model; nil for a span of the script.
    let model: Value?

    /// Reads `{ name, index, parent?, attributes?, start, end, error? }`, in milliseconds; nil for anything else.
    init?(_ record: Value) {
        guard let name = record["name"]?.string, let number = record["index"]?.int, let start = record["start"]?.int,
            let end = record["end"]?.int, let index = Int(exactly: number)
        else { return nil }
        self.name = name
        self.index = index
        parent = record["parent"]?.int.flatMap { Int(exactly: $0) }
        attributes = record["attributes"]
        (self.start, self.end) = (Self.microseconds(start), Self.microseconds(end))
        error = record["error"]?.string
        model = nil
    }

    /// Reads an ``EventKind/modelCalled``: `{ model, startedAt, endedAt, … }`; nil without these.
    init?(model record: Value, index: Int) {
        guard let name = record["model"]?.string, let start = record["startedAt"]?.int,
            let end = record["endedAt"]?.int
        else { return nil }
        self.name = "\(record["operation"]?.string ?? "chat") \(name)"
        self.index = index
        (parent, attributes, error) = (nil, nil, nil)
        (self.start, self.end) = (Self.microseconds(start), Self.microseconds(end))
        model = record
    }

    private static func microseconds(_ milliseconds: Int64) -> Int64 {
        let (product, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
        return overflows ? 0 : product
    }

    /// The spans that were made in a step. One whose surroundings were never written lies in the step itself.
    static func spans(_ made: [MadeSpan], in step: Span, _ writer: SpanWriter) -> [Span] {
        // Spans are numbered as they begin, so a parent has a smaller number than what lies in it.
        var times = [step.start...max(step.start, step.end)]
        var places: [Int: Int] = [:]
        for made in made.sorted(by: { $0.index < $1.index }) where places[made.index] == nil {
            let around = times[made.parent.flatMap { places[$0] } ?? 0]
            let start = min(max(made.start, around.lowerBound), around.upperBound)
            places[made.index] = times.count
            times.append(start...min(max(made.end, start), around.upperBound))
        }
        return made.map { made in
            let parent = made.parent.flatMap { $0 < made.index && places[$0] != nil ? $0 : nil }
            let time = times[places[made.index] ?? 0]
            var span = Span(
                trace: step.trace, id: SpanID(parent: step.id, index: made.index),
                parent: parent.map { SpanID(parent: step.id, index: $0) } ?? step.id, name: made.name,
                start: time.lowerBound, end: time.upperBound)
            writer.describeMade(&span, made)
            return span
        }
    }
}
