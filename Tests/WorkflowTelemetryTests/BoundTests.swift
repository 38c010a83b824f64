import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// What is bounded, so that a collector costs neither memory nor time.
@Suite("Bounds of what is sent") struct BoundTests {
    private func exporter(
        _ server: FakeServer, _ variables: [String: String] = [:], _ lines: Lines = Lines()
    ) throws -> BatchExporter {
        let settings = try #require(try ExportSettings(otlp: "http://collector") { variables[$0] })
        return BatchExporter(
            settings.endpoints[0], ExportEnvelope(.traces, resource: settings.resource), settings: settings,
            http: server
        ) { lines.add($0) }
    }

    private func span(_ text: String = "", _ key: String = "text") -> Span {
        var span = Span(
            trace: TraceID(run: "r"), id: SpanID(run: "r", path: "p", attempt: 1, occurrence: 1), name: "n", start: 1,
            end: 2)
        span.attributes[key] = .string(text)
        return span
    }

    @Test func `what is left to another process is told apart from what is dropped`() {
        func told(_ leaves: Bool, _ body: (Troubles) -> Void) -> String? {
            let lines = Lines()
            let troubles = Troubles(endpoint: "c", leaves: leaves) { lines.add($0) }
            troubles.retry("busy")
            body(troubles)
            troubles.finish()
            return lines.all.last
        }
        let left = "left to the next serve, mcp or runs recover"
        #expect(told(true) { $0.leave(1, "late") } == "telemetry: c: late; 1 span was \(left)")
        #expect(
            told(true) {
                $0.drop(2, "full"); $0.leave(3, "late")
            } == "telemetry: c: late; 2 spans were dropped, 3 were \(left)")
        #expect(
            told(false) {
                $0.drop(2, "full"); $0.leave(3, "late")
            } == "telemetry: c: late; 5 spans were dropped")
        #expect(told(true) { _ in } == "telemetry: c: busy")
    }

    @Test func `a queue takes no more bytes than it may`() throws {
        let lines = Lines()
        let exporter = try exporter(FakeServer(), [:], lines)
        let piece = [UInt8](repeating: UInt8(ascii: " "), count: 3 << 20)
        for _ in 0..<30 { exporter.offer([piece]) }
        // 21 fit into 64 MB.
        #expect(exporter.waiting.count == 21 && exporter.waiting.bytes == 21 * piece.count)
        #expect(lines.all.first?.hasSuffix("the queue is full; 1 span was dropped") == true, "\(lines.all)")
    }

    @Test func `a request has no more bytes than it may, whatever a batch may have`() async throws {
        let server = FakeServer()
        let exporter = try exporter(server)
        let text = SpanText()
        let pieces = (0..<9).compactMap { _ in text.piece(span(String(repeating: "x", count: 1 << 20))) }
        exporter.offer(pieces)
        exporter.finish()
        await exporter.run()
        #expect(server.requests.map(\.spans.count) == [3, 3, 3])
    }

    @Test func `a span that is too large is sent without its contents, or not at all`() throws {
        let text = SpanText()
        let large = String(repeating: "x", count: 5 << 20)
        let bare = try #require(text.piece(span(large)))
        #expect(bare.count < 1000)
        #expect(String(decoding: bare, as: UTF8.self).contains(#""name":"n""#))
        var huge = span(large, Names.traceName)
        huge.events = [Span.Event(name: "e", time: 1, attributes: [:])]
        #expect(text.piece(huge) == nil)
    }

    @Test func `a server that asks for no wait is not asked again and again`() async throws {
        let server = FakeServer(then: .status(503, retryAfter: 0))
        let exporter = try exporter(server, ["OTEL_BSP_SCHEDULE_DELAY": "0"])
        exporter.offer([Array("{}".utf8)])
        let task = Task { await exporter.run() }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .seconds(1))
        exporter.finish()
        task.cancel()
        await task.value
        #expect(server.requests.count <= 4)
    }

    @Test(arguments: [
        (#"{"partialSuccess":{"rejectedSpans":"-5"}}"#, []),
        (#"{"partialSuccess":{"rejectedSpans":"-99999999999999999999"}}"#, []),
        (
            #"{"partialSuccess":{"rejectedSpans":1e308}}"#, ["the server rejected some; 3 spans were dropped"]
        ),
        (
            #"{"partialSuccess":{"rejectedSpans":"99999999999999999999"}}"#,
            ["the server rejected some; 3 spans were dropped"]
        ),
        (
            #"{"partialSuccess":{"rejectedSpans":99999999999999999999}}"#,
            ["the server rejected some; 3 spans were dropped"]
        ),
        (
            #"{"partialSuccess":{"rejectedSpans":"many"}}"#,
            ["the server rejected some, and how many cannot be read; 1 span was dropped"]
        ),
        (
            #"{"partialSuccess":{"rejectedSpans":[2],"errorMessage":"too old"}}"#,
            ["too old; the server rejected some, and how many cannot be read; 1 span was dropped"]
        ),
        (#"{"partialSuccess":{"rejectedSpans":null,"errorMessage":""}}"#, []),
        (#"{"partialSuccess":{}}"#, []), (#"{"partialSuccess":null}"#, []), (#"{}"#, []),
        (
            #"{"partialSuccess":7}"#,
            ["the server rejected some, and how many cannot be read; 1 span was dropped"]
        ),
        (
            #"{"partialSuccess":[1]}"#,
            ["the server rejected some, and how many cannot be read; 1 span was dropped"]
        ),
        (#"{"partialSuccess":{"errorMessage":"slow down"}}"#, ["slow down"]),
        (#"{"partialSuccess":{"rejectedSpans":2.0}}"#, ["the server rejected some; 2 spans were dropped"]),
        (#"{"partial_success":{"rejected_spans":1,"error_message":"old"}}"#, ["old; 1 span was dropped"]),
        (
            #"{"partialSuccess":{"rejectedSpans":"9223372036854775807"}}"#,
            ["the server rejected some; 3 spans were dropped"]
        ),
        (
            "{\"partialSuccess\":{\"rejectedSpans\":1,\"errorMessage\":\"a\\u001b[2Jb\"}}",
            ["a [2Jb; 1 span was dropped"]
        ),
    ]) func `what a server says of rejected spans is taken with care`(body: String, told: [String]) async throws {
        let lines = Lines()
        let exporter = try exporter(FakeServer(then: .status(200, body: body)), [:], lines)
        exporter.offer((0..<3).map { _ in Array("{}".utf8) })
        exporter.finish()
        await exporter.run()
        #expect(lines.all == told.map { "telemetry: http://collector/v1/traces: \($0)" })
    }

    @Test func `nobody waits for a server that takes nothing longer than once`() async throws {
        let exporter = try exporter(FakeServer(then: .silence), ["OTEL_BSP_MAX_QUEUE_SIZE": "4"])
        exporter.offer((0..<4).map { _ in Array("{}".utf8) })
        await exporter.awaitRoom()
        // The second one would never end, if it waited for ever.
        for _ in 0..<1000 { await exporter.awaitRoom() }
        #expect(!exporter.hasRoom(beyond: 0))
        exporter.finish()
    }

    @Test func `what nobody wants is not made, and counted`() async throws {
        let record = try await record { code in
            [
                .foreach(
                    "each", items: code.inline { _, _ in [1, 2, 3] },
                    body: [.step("item", handler: code.inline { value, _ in value })])
            ]
        }
        try withExtendedLifetime(record) {
            let all = SpanBuilder.spans(of: record)
            var builder = SpanBuilder(plan: record.plan, runID: record.id) { _, _, count in
                count < 2 ? .whole : .none
            }
            let some = builder.take(record.log)
            #expect(some == Array(all.prefix(2)))
            #expect(builder.unwanted == all.count - 2)
            var brief = SpanBuilder(plan: record.plan, runID: record.id) { _, _, _ in .figures }
            var (figures, usual) = (SpanMetrics(), SpanMetrics())
            figures.take(brief.take(record.log))
            usual.take(all)
            #expect(figures.series == usual.series)
        }
    }

    @Test func `a span has so many attributes of a script and so many events, and says how many more there were`()
        async throws
    {
        let all = try await spans { code in
            [
                .step(
                    "load",
                    handler: code.inline { _, context in
                        for number in 0..<300 {
                            context.setAttributes(["key \(number)": Value(Int64(number))])
                        }
                        context.setAttributes(
                            ["": 1, String(repeating: "k", count: 2000): 1, "key 1": "new"])
                        context.setAttributes(["long": Value(String(repeating: "é", count: 100_000))])
                        for _ in 0..<1100 { context.emit(type: "told", data: .null) }
                        return 1
                    })
            ]
        }
        let step = try #require(all.named("load"))
        #expect(step.attributes["key 127"] == .int(127) && step.attributes["key 128"] == nil)
        #expect(step.text("key 1") == "new")
        #expect(step.attributes.droppedCount == 172 + 2 + 1)
        #expect(step.events.count == 1000 && step.droppedEvents == 100)
        let text = TraceDocument.json([step], resource: [:])
        #expect(text.contains(#""droppedAttributesCount":175"#) && text.contains(#""droppedEventsCount":100"#))
    }

    @Test func `a step is sent however many spans were made in it, and says how many are not`() async throws {
        var made = MadeSpans()
        let spans: (Int, (Int) -> Value) -> Void = { count, record in
            for number in 1...count { made.append(MadeSpan(record(number))) }
        }
        spans(1500) { ["name": "s", "index": Value(Int64($0)), "start": 1, "end": 2] }
        for _ in 0..<1100 {
            made.append(MadeSpan(http: ["name": "GET", "start": 1, "end": 2, "http": [:]], index: made.nextOfHost))
        }
        for _ in 0..<1100 {
            made.append(MadeSpan(model: ["model": "m", "startedAt": 1, "endedAt": 2], index: made.nextOfHost))
        }
        made.drop(7)
        #expect(made.spans.count == 1000 + 1000 + 1100)
        #expect(made.dropped == 500 + 100 + 7)
        #expect(Set(made.spans.map(\.index)).count == made.spans.count)
    }

    @Test func `what a script makes leaves room in the queue for steps and runs`() async throws {
        let server = FakeServer([.silence])
        let variables = ["OTEL_BSP_MAX_QUEUE_SIZE": "8", "OTEL_BSP_EXPORT_TIMEOUT": "1"]
        let settings = try #require(try ExportSettings(otlp: "http://collector") { variables[$0] })
        let exporter = try exporter(server, variables)
        exporter.offer((0..<100).map { _ in Array("{}".utf8) }, leavingRoom: true)
        #expect(exporter.waiting.count == 6)
        exporter.offer((0..<100).map { _ in Array("{}".utf8) })
        #expect(exporter.waiting.count == 8)
        exporter.finish()
        let taking = FakeServer()
        let lines = Lines()
        let export = TraceExport(settings, store: nil, http: taking) { lines.add($0) }
        var all = (0..<20).map { number in
            Span(
                trace: TraceID(run: "r"), id: SpanID(run: "r", path: "\(number)", attempt: 1, occurrence: 1),
                name: "made",
                start: 1, end: 2)
        }
        for role in [Span.Role.step, .run] {
            var span = span()
            (span.role, span.name) = (role, "\(role)")
            all.append(span)
        }
        export.send(all)
        await export.finish(within: .seconds(20))
        let names = taking.requests.flatMap(\.spans).compactMap { $0["name"]?.string }
        #expect(names.contains("step") && names.contains("run"))
        #expect(names.count < all.count)
    }

    @Test func `names are cut, whoever gives them`() async throws {
        let long = String(repeating: "n", count: 300_000)
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let workflow = try Workflow(id: "w" + long) { code in
            [
                .foreach(
                    "each" + long, items: code.inline { _, _ in [1] },
                    body: [
                        .step(
                            "load" + long,
                            handler: code.inline { _, context in
                                context.emit(type: "told" + long, data: 1)
                                throw StepError(code: "code" + long, message: "no", retryable: false)
                            })
                    ])
            ]
        }
        let run = engine.createRun(workflow, id: "run-1")
        try run.start(input: 1, metadata: nil, ctx: nil, trace: ["telemetry": true])
        let all = SpanBuilder.spans(of: try await run.finished())
        try #require(all.count == 3)
        #expect(all.faults == [])
        for span in all {
            #expect(span.name.utf8.count <= 1000)
            #expect(span.events.allSatisfy { $0.name.utf8.count <= 1000 })
            #expect(try #require(SpanText().piece(span)).count < 120_000)
            #expect(span.text(Names.errorType)?.utf8.count == 1000)
        }
    }

    @Test func `names and values of any kind give JSON that is read again`() async throws {
        let odd = [
            "\u{0}", "\u{1B}[31m", "\u{202E}", "😀", "__proto__", "a\"b\\c\n", "é", "\u{FFFF}",
            String(repeating: "n", count: 5000),
        ]
        let all = try await spans { code in
            [
                .step(
                    "load",
                    handler: code.inline { _, context in
                        for (place, name) in odd.enumerated() {
                            context.emit(type: name, data: Value(name))
                            context.setAttributes([name: Value(name), "v\(place)": Value(name)])
                        }
                        context.setAttributes([
                            "big": Value(Int64.min),
                            "list": [1, "two", [3]], "nothing": .null,
                        ])
                        return Value(odd.last ?? "")
                    })
            ]
        }
        let text = TraceDocument.json(
            all.map { span in
                var span = span
                span.attributes["nan"] = .double(.nan)
                span.attributes["infinity"] = .double(-.infinity)
                span.end = .max
                return span
            }, resource: ["service.name": .string("\u{0}\"")])
        let read = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
        #expect(read.count == all.count)
        #expect(read.allSatisfy { $0["endTimeUnixNano"] == "18446744073709551000" })
        let attributes = read.first { $0["name"]?.string == "orders.step.load" }?["attributes"]?.array ?? []
        func value(_ key: String) -> Value? { attributes.first { $0["key"]?.string == key }?["value"] }
        for (place, name) in odd.enumerated() { #expect(value("v\(place)")?["stringValue"]?.string == name) }
        #expect(value("nan") == ["doubleValue": "NaN"])
        #expect(value("infinity") == ["doubleValue": "-Infinity"])
        #expect(value("big") == ["intValue": "-9223372036854775808"])
        #expect(value("list") == ["stringValue": #"[1,"two",[3]]"#])
        #expect(value("__proto__") == nil)
    }
}
