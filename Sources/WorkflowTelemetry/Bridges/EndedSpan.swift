/// A span of a run, where that of a tracer has the same name.
typealias EndedSpan = Span
