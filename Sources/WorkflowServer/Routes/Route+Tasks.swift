internal import Crypto
internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let tasks: [Route] = [
        Route(
            .get, "/api/tasks", "Lists everything that waits for a person.", role: .read,
            query: [
                Parameter(name: "workflow", text: "Only of this workflow."),
                Parameter(name: "run", text: "Only of this run."),
                Parameter(
                    name: "summary", text: "Only what a list says of each, without what is shown and asked.",
                    schema: RouteSchema.flag),
                Parameter(
                    name: "limit", text: "Of how many runs at most; 0 counts the runs only.",
                    schema: ["type": "integer", "minimum": 0, "maximum": 1000]),
                Parameter(name: "cursor", text: "The `next` of the page before."), .redact,
            ], errors: [404]
        ) { request, core in try await list(request, core) },
        Route(
            .post, "/api/tasks/{run}/**",
            "Answers a step that waits for a person; its path is the rest of the address.",
            role: .run, query: [.wait, .redact],
            body: [
                "type": "object", "required": ["data"],
                "properties": ["data": true, "digest": RouteSchema.text],
            ], answers: [200, 202], errors: [404, 409, 422]
        ) { request, core in try await answer(request, core) },
    ]

    private static func list(_ request: APIRequest, _ core: ServerCore) async throws -> Response {
        let limit = try request.number("limit", in: 0...1000) ?? 100
        let (isSummary, redacts) = (try request.flag("summary"), try request.flag("redact"))
        var (headers, next) = ([RunHeader](), Value.null)
        if let run = request.query("run") {
            headers = [try await core.header(run, request)]
        } else {
            let filter = RunFilter(
                workflow: request.query("workflow"), statuses: [.waitingHuman], before: try await cursor(request, core))
            (headers, next) = try await page(limit == 0 ? .max : limit, filter, request, core)
        }
        if limit == 0 { return .json(["tasks": [], "next": nil, "runs": Value(Int64(headers.count))]) }
        var tasks: [Value] = []
        let memory = TellingMemory()
        defer { withExtendedLifetime(memory) {} }
        for header in headers {
            guard let record = try await shown(header, core) else { continue }
            let redaction = redacts ? record.redaction : Redaction()
            for pending in record.result().pending {
                let task = Task(record, pending)
                let told = redaction.redact(contentsOf: isSummary ? task.summary : task.value)
                try memory.take(told.byteCount, of: record.id)
                tasks.append(told)
            }
        }
        return .long(["tasks": Value(array: tasks), "next": next], to: request.request)
    }

    /// A run for what it shows; nil for one that shows nothing: it is gone or damaged, or its code is.
    private static func shown(_ header: RunHeader, _ core: ServerCore) async throws -> RunRecord? {
        do {
            return try await core.directory.record(of: header.id)
        } catch let error as JournalError where error.reason == .notEnoughMemory {
            throw error
        } catch {
            return nil
        }
    }

    private static func answer(_ request: APIRequest, _ core: ServerCore) async throws -> Response {
        let (run, path) = try (request.parameter("run"), request.rest())
        let redacts = try request.flag("redact")
        let body = try await request.object()
        guard let data = body["data"] else { throw APIError.badRequest("Task payload must include data") }
        let digest = try body.text("digest")
        _ = try await core.header(run, request)
        var check: AnswerCheck?
        if let digest { check = { try Route.expect(digest, of: path, in: $0) } }
        try await core.directory.answer(
            run, step: path, data: data, by: request.context.principal.signature, key: request.key(), expecting: check)
        return try await settled(run, request, core, redacts: redacts)
    }

    /// Whether what a step shows is still what somebody saw.
    private static func expect(_ digest: String, of path: String, in record: RunRecord) throws {
        let pending = record.result().pending
        guard let task = pending.first(where: { $0.path == path || $0.stepID == path }) else {
            throw APIError(.conflict, "not_waiting", "step '\(path)' does not wait for an answer")
        }
        guard Task(record, task).digest == digest else {
            throw APIError(.conflict, "digest_mismatch", "What is shown is not what the answer is to")
        }
    }

    /// A step that waits for a person, as it is shown.
    private struct Task {
        let record: RunRecord
        let pending: PendingHuman

        init(_ record: RunRecord, _ pending: PendingHuman) {
            self.record = record
            self.pending = pending
        }

        /// Of what the person is shown and asked.
        var digest: String {
            let shown = Value(
                array: [
                    Value(pending.path), Value(pending.requestedAt), pending.output ?? .null, pending.form ?? .null,
                ])
            return BytesText.hex(SHA256.hash(data: Array(shown.json.utf8)).prefix(16))
        }

        /// What a list says of it: `title` if the form has one, and `preview`, the beginning of what is shown.
        var summary: Value {
            var entries: [(String, Value)] = [
                ("runId", Value(record.id)), ("workflowId", Value(record.plan.id)), ("stepId", Value(pending.stepID)),
                ("path", Value(pending.path)),
                ("requestedAt", Value(Timestamp.text(milliseconds: pending.requestedAt))),
            ]
            if let title = pending.form?["title"]?.string {
                entries.append(("title", Value(String(title.prefix(200)))))
            }
            if let output = pending.output { entries.append(("preview", Value(Self.preview(output)))) }
            return Value(entries: entries)
        }

        /// A value in one line of at most 200 characters: of an object its first four entries.
        private static func preview(_ output: Value) -> String {
            func short(_ value: Value, _ limit: Int) -> String {
                let text = value.string ?? value.json
                return text.count > limit ? text.prefix(limit) + "…" : text
            }
            guard let entries = output.entries, !entries.isEmpty else { return short(output, 200) }
            let parts = entries.prefix(4).map { "\(short(Value($0.key), 40)): \(short($0.value, 60))" }
            return short(Value(parts.joined(separator: " · ")), 200)
        }

        var value: Value {
            let base = RunRendering.pending(pending, of: record)
            var entries = (base.entries ?? []).map { ($0.key, $0.value) }
            entries.append(("digest", Value(digest)))
            let node = record.plan.details.indices.first { record.plan.details[$0].id == pending.stepID }
            if let node, let schema = WorkflowRendering.schema(record.plan.nodes[node].outputSchema, record.plan) {
                entries.append(("responseSchema", schema))
            }
            if let node {
                let duration = record.plan.nodes[node].duration
                if duration > 0 {
                    let end = pending.requestedAt.addingReportingOverflow(duration / 1000)
                    if !end.overflow {
                        entries.append(("until", Value(Timestamp.text(milliseconds: end.partialValue))))
                    }
                }
            }
            return Value(entries: entries)
        }
    }
}
