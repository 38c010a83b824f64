internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let runs: [Route] = [
        Route(
            .post, "/api/workflows/{id}/runs", "Starts a run, and answers as soon as it is recorded.", role: .run,
            query: [.redact],
            body: [
                "type": "object", "required": ["inputData"],
                "properties": [
                    "inputData": true, "runId": RouteSchema.runID, "metadata": RouteSchema.object,
                    "ctx": RouteSchema.object, "startAt": RouteSchema.startTime, "delay": RouteSchema.duration,
                    "timeout": RouteSchema.duration, "tags": RouteSchema.tags,
                    "telemetry": RouteSchema.telemetry,
                    "priority": ["type": ["integer", "null"], "minimum": -1_000_000, "maximum": 1_000_000],
                ], "not": RouteSchema.excluding("startAt", "delay"),
            ], answers: [200, 202], errors: [404, 409, 422]
        ) { request, core in try await startWithoutWaiting(request, core) },
        Route(
            .get, "/api/runs", "Lists runs, newest first.", role: .read,
            query: [
                Parameter(name: "workflow", text: "Only runs of this workflow."),
                Parameter(
                    name: "status", text: "Only runs of these statuses, separated by commas.",
                    schema: RouteSchema.statuses, isRepeatable: true),
                Parameter(
                    name: "from", text: "Only runs that began then or later, as ISO 8601 or milliseconds since 1970.",
                    schema: RouteSchema.time),
                Parameter(
                    name: "to", text: "Only runs that began then or earlier, as ISO 8601 or milliseconds since 1970.",
                    schema: RouteSchema.time),
                Parameter(
                    name: "tag",
                    text: "Only runs with this tag, as `name:value`. May be given again: then with all of them.",
                    schema: RouteSchema.tag, isRepeatable: true),
                Parameter(name: "q", text: "Only runs whose id begins so."),
                Parameter(
                    name: "lineage",
                    text:
                        "Only runs that came of this one: forks, retries, what it started, and what goes on in its place."
                ),
                Parameter(
                    name: "limit", text: "How many at most; 0 counts them only.",
                    schema: ["type": "integer", "minimum": 0, "maximum": 1000]),
                Parameter(name: "cursor", text: "The `next` of the page before."),
            ]
        ) { request, core in try await list(request, core) },
        Route(
            .get, "/api/runs/{id}", "The result of a run.", role: .read,
            query: [
                .wait,
                Parameter(
                    name: "summary", text: "Only what a list says of it, without its steps.",
                    schema: RouteSchema.flag),
                .redact,
            ], answers: [200, 202], errors: [404, 409]
        ) { request, core in
            let id = try request.parameter("id")
            let header = try await core.header(id, request)
            let place = try await core.directory.store.place(of: header)
            if try request.flag("summary") {
                return .json(RunRendering.header(header, place, undoing: await core.directory.undoing(header)))
            }
            let redacts = try request.flag("redact")
            if try request.wait() != nil { return try await settled(id, request, core, redacts: redacts) }
            return try .run(try await core.directory.record(of: id), place, redacts: redacts)
        },
        Route(
            .get, "/api/runs/{id}/events",
            "The events of a run: as JSON, or as a stream where the client accepts text/event-stream.", role: .read,
            query: [
                .after,
                Parameter(
                    name: "limit", text: "How many at most; for JSON alone.",
                    schema: ["type": "integer", "minimum": 1, "maximum": 100_000]),
                Parameter(name: "path", text: "Only events of this step; for JSON alone."),
                Parameter(
                    name: "brief", text: "Without what steps got and gave, and what all events of the run share.",
                    schema: RouteSchema.flag),
                .redact,
            ], errors: [404, 409]
        ) { request, core in
            let id = try request.parameter("id")
            let header = try await core.header(id, request)
            let after = try request.number("after", in: 0...Int(Int32.max)) ?? 0
            let isBrief = try request.flag("brief")
            guard request.request.wantsEventStream else {
                return try await RecordedEvents.response(id, after: after, isBrief: isBrief, request, core)
            }
            if let name = ["limit", "path"].first(where: { request.query($0) != nil }) {
                throw APIError.badRequest("\(name) is for JSON alone; a stream has all events of the run")
            }
            return try await EventStream.events(
                of: id, after: lastEventID(request, of: header) ?? after, isBrief: isBrief, request, core,
                redacts: try request.flag("redact"))
        },
        Route(
            .get, "/api/events", "Streams the events of all runs that the server drives.", role: .read,
            query: [
                Parameter(name: "workflow", text: "Only runs of this workflow."),
                Parameter(name: "run", text: "Only this run."),
                Parameter(
                    name: "type", text: "Only events of these types, separated by commas.", schema: RouteSchema.types,
                    isRepeatable: true), .redact,
            ], type: "text/event-stream"
        ) { request, core in
            var filter = EventFilter(run: request.query("run"), workflow: request.query("workflow"))
            let principal = request.context.principal
            if principal.isLimited { filter.workflows = Set(principal.workflows) }
            let types = try request.list("type")
            if !types.isEmpty { filter.types = Set(types) }
            return EventStream.all(filter, request, core, redacts: try request.flag("redact"))
        },
    ]

    /// The event of the run that the client had last; nil where it names none.
    ///
    /// - Throws: 400 for what is the number of no event of the run: what the client lacks is not known then.
    private static func lastEventID(_ request: APIRequest, of run: RunHeader) throws(APIError) -> Int? {
        guard let text = request.request.headers[.lastEventID], !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
            number <= run.sequence
        else {
            throw APIError.badRequest(
                "Last-Event-ID is the id of no event of the run; leave it out to have all events",
                code: "unknown_event_id")
        }
        return number
    }

    private static func startWithoutWaiting(_ request: APIRequest, _ core: ServerCore) async throws -> Response {
        let redacts = try request.flag("redact")
        return try await withStart(request, core) { start, body in
            var start = start
            try readOptions(body, core.directory.engine.clock.now(), into: &start)
            // Who does not wait for the run learns at once that it would only fail.
            start.refusesInput = true
            let started = try await core.directory.start(start)
            var response: Response
            if started.isNew {
                let status = start.startAt == nil && !started.isQueued ? "running" : "queued"
                response = .json(["runId": Value(started.id), "status": Value(status)], status: .accepted)
            } else {
                response = try .run(try await core.directory.record(of: started.id), redacts: redacts)
            }
            response.headers[.location] = "\(core.options.basePath)/api/runs/\(started.id.percentEscaped)"
            return response
        }
    }

    /// Reads what only a start says that nobody waits for.
    private static func readOptions(_ body: Value, _ now: Int64, into start: inout StartRequest) throws {
        start.startAt = try startTime(body, now)
        start.timeout = try body.duration("timeout").map { Duration.microseconds($0) }
        if start.timeout == .zero { throw APIError.badRequest("timeout has to be longer than nothing") }
        start.tags = try body.nested("tags")
        guard let given = body.field("priority") else { return }
        // JSON has one kind of number: 1.0 is a whole one.
        let whole = given.int ?? given.double.flatMap { Int64(exactly: $0) }
        guard let priority = whole, FlowControl.priorities.contains(priority) else {
            throw APIError.badRequest("priority has to be a whole number from -1000000 to 1000000")
        }
        start.priority = priority
    }

    /// The id that the client gives to the run, or one made of its key, so that asking again finds the run; nil for a new one.
    ///
    /// - Parameter scope: what a key means but once: a start of a workflow, a retry or a fork of a run.
    static func newID(_ request: APIRequest, of scope: String, _ body: Value) throws -> NewRunID? {
        // A key is looked at also where the body has an id, which goes before it.
        let key = try request.key(of: scope)
        guard let id = try body.text("runId") else { return key.map { .reserved(.keyed($0)) } }
        if let problem = RunIdentifier.problem(of: id) { throw APIError.badRequest("runId \(problem)") }
        return .chosen(id)
    }

    /// When a run is to begin, in microseconds since 1970; nil for at once.
    private static func startTime(_ body: Value, _ now: Int64) throws -> Int64? {
        let delay = try body.duration("delay")
        guard let given = body.field("startAt") else {
            return delay.flatMap { $0 == 0 ? nil : now + $0 }
        }
        if delay != nil { throw APIError.badRequest("startAt and delay exclude each other") }
        let time =
            given.string.flatMap { Timestamp.microseconds($0) }
            ?? given.int.flatMap { milliseconds in
                milliseconds.magnitude < 1 << 50 ? milliseconds * 1000 : nil
            }
        guard let time, time < now + DurationText.longest else {
            throw APIError.badRequest(
                "startAt has to be a time such as 2030-01-31T08:00:00Z, or milliseconds since 1970")
        }
        return time > now ? time : nil
    }

    private static func list(_ request: APIRequest, _ core: ServerCore) async throws -> Response {
        var filter = RunFilter(workflow: request.query("workflow"), lineage: request.query("lineage"))
        filter.prefix = request.query("q") ?? ""
        filter.tags = try request.queryValues("tag").map(tags)
        let names = try request.list("status")
        if !names.isEmpty {
            filter.statuses = Set(
                try names.map { name in
                    guard let status = RunMachine.Status(rawValue: name) else {
                        let all = RunMachine.Status.allCases.map(\.rawValue).joined(separator: ", ")
                        throw APIError.badRequest("There is no status '\(name)'; there are: \(all)")
                    }
                    return status
                })
        }
        let (from, to) = (try time("from", request), try time("to", request))
        if from != nil || to != nil {
            guard from ?? .min <= to ?? .max else { return .json(["runs": [], "next": nil]) }
            filter.created = (from ?? .min)...(to ?? .max)
        }
        filter.before = try await cursor(request, core)
        let limit = try request.number("limit", in: 0...1000) ?? 50
        if limit == 0 { return try await counted(filter, request, core) }
        let (shown, next) = try await page(limit, filter, request, core)
        let places = try await core.directory.store.places(of: shown.filter(\.isHeld).map(\.id))
        let undoing = await core.directory.undoing(of: shown)
        let runs = shown.map { run in
            RunRendering.header(run, places[run.id] ?? run.delayedStart, undoing: undoing[run.id])
        }
        return .long(["runs": Value(array: runs), "next": next], to: request.request)
    }

    /// The first runs of those that pass a filter and that the caller may see, and the cursor of those behind them, or null.
    static func page(
        _ limit: Int, _ filter: RunFilter, _ request: APIRequest, _ core: ServerCore
    ) async throws -> (runs: [RunHeader], next: Value) {
        var filter = filter
        filter.workflows = request.context.principal.visible
        // One more tells whether there is another page.
        filter.limit = min(limit, 999) + 1
        var runs: [RunHeader] = []
        while runs.count <= limit {
            let page = try await core.directory.list(filter)
            runs += page
            guard page.count == filter.limit, let last = page.last else { break }
            filter.before = last.id
            filter.limit = 1000
        }
        let shown = Array(runs.prefix(limit))
        return (shown, runs.count > limit ? shown.last.map { Value($0.id) } ?? .null : .null)
    }

    /// The run behind which the page begins that is asked for; nil for the first page.
    static func cursor(_ request: APIRequest, _ core: ServerCore) async throws -> String? {
        guard let cursor = request.query("cursor"), !cursor.isEmpty else { return nil }
        guard let header = try await core.directory.store.header(of: cursor),
            request.context.principal.maySee(header.workflow)
        else { throw APIError.badRequest("cursor is not the next of a page") }
        return cursor
    }

    /// The largest number of runs that are looked at one by one to be counted.
    private static let mostCounted = 20_000

    /// How many runs a list would have, by status: `{ runs: [], next: null, counts, total, isWhole }`. What the store does
    /// not count by itself is counted among the newest runs.
    private static func counted(
        _ filter: RunFilter, _ request: APIRequest, _ core: ServerCore
    ) async throws -> Response {
        let principal = request.context.principal
        var counts: [RunMachine.Status: Int] = [:]
        var isWhole = true
        if filter.created == nil, filter.before == nil, filter.lineage == nil, filter.prefix.isEmpty,
            filter.tags.isEmpty
        {
            for (workflow, numbers) in try await core.directory.store.counts()
            where principal.maySee(workflow) && filter.workflow ?? workflow == workflow {
                for (status, number) in numbers where filter.statuses?.contains(status) ?? true {
                    counts[status, default: 0] += number
                }
            }
        } else {
            var (filter, looked) = (filter, 0)
            filter.limit = 1000
            filter.workflows = principal.visible
            while true {
                let page = try await core.directory.list(filter)
                for run in page { counts[run.status, default: 0] += 1 }
                looked += page.count
                guard page.count == filter.limit, let last = page.last else { break }
                guard looked < mostCounted else {
                    isWhole = false
                    break
                }
                filter.before = last.id
            }
        }
        let total = counts.values.reduce(0, +)
        return .json([
            "runs": [], "next": nil, "counts": WorkflowRendering.runs(counts), "total": Value(Int64(total)),
            "isWhole": Value(isWhole),
        ])
    }

    /// The tags that `name:value` may mean.
    private static func tags(_ word: String) throws -> [RunTag] {
        guard let colon = word.firstIndex(of: ":") else {
            throw APIError.badRequest("tag has to be a name and a value, such as region:eu")
        }
        do throws(RunTagFault) {
            return try RunTag.candidates(String(word[..<colon]), String(word[word.index(after: colon)...]))
        } catch {
            throw APIError.badRequest("tag: \(error)")
        }
    }

    private static func time(_ name: String, _ request: APIRequest) throws -> Int64? {
        guard let text = request.query(name) else { return nil }
        guard let time = Timestamp.microseconds(text) else {
            throw APIError.badRequest("\(name) has to be a time such as 2026-01-31T08:00:00Z")
        }
        return time
    }
}
