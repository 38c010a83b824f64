import Testing

@testable import WorkflowTelemetry

@Suite("What the environment says of telemetry") struct SettingsTests {
    private func settings(_ variables: [String: String], otlp: String? = nil) throws -> ExportSettings? {
        try ExportSettings(otlp: otlp) { variables[$0] }
    }

    @Test func `nothing is on unless somebody asks for it`() throws {
        #expect(try settings([:])?.endpoints == nil)
        #expect(try settings(["OTEL_SERVICE_NAME": "shop"])?.endpoints == nil)
        #expect(try settings(["OTEL_SDK_DISABLED": "true"], otlp: "http://a")?.endpoints == nil)
        #expect(
            try settings(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"])?.endpoints == nil)
    }

    @Test(
        arguments: [
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"], nil, "http://a:4318/v1/traces"),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318/x/"], nil, "http://a:4318/x/v1/traces"),
            (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/own"], nil, "http://a/own"),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"], "http://b", "http://b/v1/traces"),
            ([:], "http://b/v1/traces", "http://b/v1/traces"),
            ([:], "HTTP://b/x?key=1", "HTTP://b/x/v1/traces?key=1"),
            ([:], "http://b/v1/traces?key=1", "http://b/v1/traces?key=1"),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "https://b/?key=1#f"], nil, "https://b/v1/traces?key=1#f"),
        ] as [([String: String], String?, String)])
    func `the address is the one of traces`(variables: [String: String], otlp: String?, url: String) throws {
        #expect(try settings(variables, otlp: otlp)?.endpoints.map(\.url) == [url])
    }

    @Test func `headers, resource and times are read`() throws {
        let settings = try #require(
            try settings([
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "x-key = a%20b ,y=2=3",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_SERVICE_NAME": "shop",
                "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,host.name=h1", "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            ]))
        let endpoint = try #require(settings.endpoints.first)
        #expect(endpoint.headers.map { "\($0.name): \($0.value)" } == ["x-key: a b", "y: 2=3"])
        #expect(endpoint.timeout == 2500)
        #expect(!endpoint.isGzipped)
        #expect(settings.resource == ["service.name": .string("shop"), "host.name": .string("h1")])
    }

    @Test(
        arguments: [
            "content-type=text/plain", "Content-Encoding=br", "content-length=1", "transfer-encoding=chunked", "HOST=b",
            "connection=close", "accept-encoding=br", "x-a=b,te=trailers",
        ]) func `a header that the exporter or HTTP itself sets is refused`(headers: String)
    {
        for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
            let error = #expect(throws: TelemetryError.self) { try settings([name: headers], otlp: "http://a") }
            #expect(error?.message.hasPrefix("\(name) cannot have ") == true)
        }
    }

    @Test(arguments: ["TRUE", "True", " true "]) func `true of any case switches all off`(text: String) throws {
        #expect(try settings(["OTEL_SDK_DISABLED": text], otlp: "http://a")?.endpoints == nil)
        #expect(try settings(["OTEL_SDK_DISABLED": "False"], otlp: "http://a")?.endpoints.count == 1)
        // Nothing is to be sent, so nobody is kept from running a script.
        #expect(try settings(["OTEL_SDK_DISABLED": "1"])?.endpoints == nil)
    }

    @Test func `Langfuse is a second endpoint with its keys`() throws {
        let settings = try #require(
            try settings([
                "LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk", "LANGFUSE_BASE_URL": "https://lf.example/",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
            ]))
        #expect(settings.endpoints.count == 2)
        let langfuse = settings.endpoints[1]
        #expect(langfuse.url == "https://lf.example/api/public/otel/v1/traces")
        #expect(
            langfuse.headers.map { "\($0.name): \($0.value)" } == [
                "authorization: Basic cGs6c2s=", "x-langfuse-ingestion-version: 4",
            ])
    }

    @Test(arguments: [
        (["LANGFUSE_PUBLIC_KEY": "pk"], "LANGFUSE_SECRET_KEY"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "a:4318"], "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"], "PROTOCOL"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "oops"], "HEADERS"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"], "TIMEOUT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_SAMPLER": "some"], "SAMPLER"),
        (
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_SAMPLER": "traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "2",
            ], "SAMPLER_ARG"
        ),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"], "QUEUE_SIZE"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://"], "ENDPOINT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http"], "ENDPOINT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "zipkin"], "OTEL_TRACES_EXPORTER"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_LOGS_EXPORTER": "console"], "OTEL_LOGS_EXPORTER"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_METRICS_EXPORTER": "prometheus"], "OTEL_METRICS_EXPORTER"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://?x=1"], "ENDPOINT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift"], "PROTOCOL"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_BSP_EXPORT_TIMEOUT": "0"], "EXPORT_TIMEOUT"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "k.pem"], "CLIENT_KEY"),
        (
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "k.pem"],
            "TRACES_CLIENT_CERTIFICATE"
        ),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "x-a=%zz"], "HEADERS"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "x-a=%f"], "HEADERS"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_RESOURCE_ATTRIBUTES": "a=%ff"], "OTEL_RESOURCE_ATTRIBUTES"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "1"], "OTEL_SDK_DISABLED"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "yes"], "OTEL_SDK_DISABLED"),
    ]) func `what is wrong is told by the name of its variable`(variables: [String: String], name: String) {
        let error = #expect(throws: TelemetryError.self) { try settings(variables) }
        #expect(error?.message.contains(name) == true)
    }

    @Test(
        arguments: [
            "ftp://a", "a:4318", "http://", "http:///v1", "http://?x", "http://a:99999", "http://a:0", "http://a:b",
            "http://a:+1",
            "http://a b", "http://a/%zz", "http://[::1", "http://[::1]x", "http://[a]", "http://user:pw@:1/",
            "http://a\u{7F}",
            "http://<a>",
        ]) func `an address to which no request can go is refused`(url: String)
    {
        let error = #expect(throws: TelemetryError.self) { try settings([:], otlp: url) }
        #expect(error?.message.hasPrefix("--otlp takes ") == true)
        #expect(error?.message.contains("pw") == false)
    }

    @Test(
        arguments: [
            "http://a", "HTTPS://a.example:65535/x?y=%20#z", "http://[::1]:4318/", "http://[fe80::1%25eth0]",
            "http://u:p:w@a:1",
            "http://münchen.example", "http://a:/x", "http://a_b-c.d~e",
        ]) func `an address to which a request can go is taken`(url: String) throws
    {
        #expect(try settings([:], otlp: url)?.endpoints.count == 1)
    }

    @Test func `what the environment says wrongly is told in one line of some length`() {
        let wrong = "\u{1B}[31m\n\u{7}" + String(repeating: "x", count: 100_000)
        for name in ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            let error = #expect(throws: TelemetryError.self) { try settings([name: wrong], otlp: "http://a") }
            #expect(error?.message.utf8.count ?? 0 < 500)
            #expect(error?.message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } == true)
        }
        let error = #expect(throws: TelemetryError.self) { try settings([:], otlp: wrong) }
        #expect(error?.message.utf8.count ?? 0 < 500)
    }

    @Test func `certificates are those of the signal, else of all`() throws {
        let settings = try #require(
            try settings(
                [
                    "OTEL_EXPORTER_OTLP_CERTIFICATE": "all.pem", "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE": "logs.pem",
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "me.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "me.key",
                    "OTEL_LOGS_EXPORTER": "otlp",
                ], otlp: "https://a"))
        #expect(settings.endpoints[0].certificate == "all.pem")
        #expect(settings.endpoints[0].clientCertificate == "me.pem")
        #expect(settings.logEndpoint?.certificate == "logs.pem" && settings.logEndpoint?.clientKey == "me.key")
    }

    @Test func `a share of the traces is chosen by their ids alone`() throws {
        var settings = ExportSettings()
        settings.sampler = .share(0.5)
        let chosen = (0..<2000).filter { settings.samples(TraceID(run: "run-\($0)"), caller: nil) }.count
        #expect((900...1100).contains(chosen))
        let caller = TraceParent(
            trace: TraceID(run: "a"), span: SpanID(run: "a", path: "", attempt: 1, occurrence: 1), isSampled: false)
        #expect(!settings.samples(caller.trace, caller: caller))
    }

    @Test func `messages name no secret of an address`() throws {
        let settings = try #require(try settings([:], otlp: "https://user:pass@a.example/x?key=1"))
        #expect(settings.endpoints[0].name == "https://a.example/x/v1/traces")
    }
}
