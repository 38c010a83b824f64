package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// What the journal keeps of an HTTP request for the trace of its run.
package enum RequestTrace {
    /// The same answer with the span of its request, `{ span = { name, start, end, http = { method, url, host, port, status? },
    /// error? } }`, unless it has one.
    ///
    /// - Parameters:
    ///   - payload: the request; one that is none leaves the answer as it is.
    ///   - start: milliseconds since 1970, as `end`.
    package static func tracing(_ payload: Value, _ answer: HostAnswer, start: Int64, end: Int64) -> HostAnswer {
        guard answer.usage == nil, let call = try? HTTPCall(payload) else { return answer }
        var http: [(String, Value)] = [
            ("method", Value(call.method)), ("url", Value(call.url.shown)), ("host", Value(call.url.host)),
            ("port", Value(Int64(call.url.port))),
        ]
        if let status = answer.value["status"]?.int, answer.ok { http.append(("status", Value(status))) }
        var span: [(String, Value)] = [
            ("name", Value(call.method)), ("start", Value(start)), ("end", Value(end)), ("http", Value(entries: http)),
        ]
        if !answer.ok { span.append(("error", error(answer.value))) }
        var traced = answer
        traced.usage = ["span": Value(entries: span)]
        return traced
    }

    /// What a span says of a failure.
    static func error(_ value: Value) -> Value {
        ["code": value["code"] ?? "host_failed", "message": value["message"] ?? "the operation failed"]
    }
}
