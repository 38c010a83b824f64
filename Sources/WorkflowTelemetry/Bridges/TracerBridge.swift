internal import Tracing

/// Makes spans of a tracer out of spans that have ended.
///
/// A tracer wants a span begun before what lies in it, and here the outer one ends last: the spans of a stretch wait for its end.
struct TracerBridge {
    /// What waits of one run; more is given without the spans around it.
    private static let limit = 10_000

    private let tracer: any Tracer
    private var waiting: [String: (spans: [EndedSpan], caller: TraceParent?)] = [:]

    init(_ tracer: any Tracer) { self.tracer = tracer }

    mutating func take(_ portion: RunSpanFeed.Portion) {
        for span in portion.spans {
            waiting[portion.run, default: ([], portion.caller)].spans.append(span)
            let isRoot = span.parent == nil || span.parent == portion.caller?.span
            if isRoot || waiting[portion.run]?.spans.count ?? 0 >= Self.limit { giveAll(of: portion.run) }
        }
        if portion.isLast { giveAll(of: portion.run) }
    }

    /// Gives what waits for spans around it that nobody sees the end of.
    mutating func finish() {
        for run in waiting.keys.sorted() { giveAll(of: run) }
    }

    private mutating func giveAll(of run: String) {
        guard let (spans, caller) = waiting.removeValue(forKey: run) else { return }
        give(spans, caller)
    }

    private func give(_ spans: [EndedSpan], _ caller: TraceParent?) {
        var contexts: [SpanID: InstrumentationContext] = [:]
        // What ends later at the same start lies outside, and was put in later.
        let order = spans.enumerated().sorted { left, right in
            (left.element.start, right.offset) < (right.element.start, left.offset)
        }
        for (_, span) in order {
            let context = span.parent.flatMap { contexts[$0] } ?? outside(of: span, caller)
            let made: any Tracing.Span = tracer.startSpan(
                span.name, context: context, ofKind: span.kind == .client ? .client : .internal, at: Moment(span.start))
            contexts[span.id] = made.context
            made.attributes = Self.attributes(span.attributes)
            for event in span.events {
                made.addEvent(
                    SpanEvent(name: event.name, at: Moment(event.time), attributes: Self.attributes(event.attributes)))
            }
            switch span.status {
            case .unset: break
            case .ok: made.setStatus(SpanStatus(code: .ok))
            case .error(let message): made.setStatus(SpanStatus(code: .error, message: message))
            }
            made.end(at: Moment(span.end))
        }
    }

    /// The context of a span that no other of the run lies around: the caller's, else the run's trace, which all of its
    /// stretches share.
    private func outside(of span: EndedSpan, _ caller: TraceParent?) -> InstrumentationContext {
        var context = InstrumentationContext.topLevel
        let parent = caller ?? TraceParent(trace: span.trace, span: span.id)
        tracer.extract(["traceparent": parent.text], into: &context, using: HeaderExtractor())
        return context
    }

    private static func attributes(_ own: Attributes) -> SpanAttributes {
        var attributes = SpanAttributes()
        for (key, value) in own.items {
            switch value {
            case .string(let text): attributes[key] = text
            case .int(let number): attributes[key] = number
            case .double(let number): attributes[key] = number
            case .bool(let flag): attributes[key] = flag
            case .strings(let texts): attributes[key] = texts
            }
        }
        return attributes
    }
}

/// A time in microseconds since 1970.
private struct Moment: TracerInstant {
    let microseconds: Int64

    init(_ microseconds: Int64) { self.microseconds = microseconds }

    var nanosecondsSinceEpoch: UInt64 {
        UInt64(clamping: microseconds).multipliedReportingOverflow(by: 1000).partialValue
    }

    static func < (left: Moment, right: Moment) -> Bool { left.microseconds < right.microseconds }
}

private struct HeaderExtractor: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key.lowercased()] }
}
