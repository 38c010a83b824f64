internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Why telemetry cannot be switched on as it was asked for.
public struct TelemetryError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}

/// Where spans go, and how: what the command line and the environment say of it.
public struct ExportSettings: Sendable {
    /// A server that takes spans.
    public struct Endpoint: Sendable, Equatable {
        /// What takes spans: any collector, or Langfuse. A process that dies leaves what it has not sent to one that sends to the same.
        enum Kind: String { case otlp, langfuse }

        var kind = Kind.otlp
        /// For messages; the URL has no secrets in it.
        public var name: String
        public var url: String
        public var headers: [(name: String, value: String)]
        /// Milliseconds for one request.
        public var timeout: Int
        public var isGzipped: Bool
        /// PEM files for TLS: the authorities to trust, and what the client proves itself by; nil for those of the system, and
        /// for nothing.
        public var certificate: String?
        public var clientCertificate: String?
        public var clientKey: String?

        public static func == (left: Endpoint, right: Endpoint) -> Bool {
            left.url == right.url && left.timeout == right.timeout && left.isGzipped == right.isGzipped
                && left.certificate == right.certificate && left.clientCertificate == right.clientCertificate
                && left.clientKey == right.clientKey && left.headers.elementsEqual(right.headers) { $0 == $1 }
        }
    }

    /// Which traces are sent; that a caller's trace is sampled counts where the sampler goes by its parent.
    public enum Sampler: Sendable, Equatable {
        case all
        case none
        /// The share of traces, from 0 to 1, by their ids.
        case share(Double)
    }

    public var endpoints: [Endpoint] = []
    /// Where goes what steps log; nil for nowhere.
    public var logEndpoint: Endpoint?
    /// Where counts and times go; nil for nowhere.
    public var metricEndpoint: Endpoint?
    /// Milliseconds between two times that they are sent.
    public var metricInterval = 60_000
    public var resource: Attributes = ["service.name": .string("aikit-lua")]
    public var sampler = Sampler.all
    public var isParentBased = true
    /// Spans that may wait for one endpoint; more are dropped and counted.
    public var queueSize = 8192
    /// Bytes that may wait for one endpoint.
    public var queueBytes = 64 << 20
    public var batchSize = 512
    /// Milliseconds between batches that are not full.
    public var delay = 5000
    /// Milliseconds for which one batch is tried.
    public var patience = 60_000

    public init() {}

    /// Reads `OTEL_*` and `LANGFUSE_*`.
    ///
    /// - Parameters:
    ///   - otlp: the address that the command line names, in place of those of the environment.
    ///   - environment: gives the value of a variable, or nil.
    /// - Returns: nil where nothing asks for telemetry, or `OTEL_SDK_DISABLED` forbids it.
    /// - Throws: ``TelemetryError`` that names the variable which is wrong.
    public init?(otlp: String? = nil, environment: (String) -> String?) throws(TelemetryError) {
        self.init()
        func text(_ name: String) -> String? {
            environment(name).map { $0.trimming() }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if text("OTEL_SDK_DISABLED")?.lowercased() == "true" { return nil }
        let usesOTLP = otlp != nil || text("OTEL_TRACES_EXPORTER") != "none"
        if usesOTLP, let endpoint = try Self.otlp(otlp, .traces, text) { endpoints.append(endpoint) }
        if let endpoint = try Self.langfuse(text) { endpoints.append(endpoint) }
        logEndpoint = try Self.asked(.logs, otlp, text)
        metricEndpoint = try Self.asked(.metrics, otlp, text)
        metricInterval = try Self.number("OTEL_METRIC_EXPORT_INTERVAL", text, 1...3_600_000) ?? metricInterval
        if endpoints.isEmpty, logEndpoint == nil, metricEndpoint == nil { return nil }
        // Who writes something else means that nothing is to be sent, which it would not say.
        if let disabled = text("OTEL_SDK_DISABLED"), disabled.lowercased() != "false" {
            throw TelemetryError(message: "OTEL_SDK_DISABLED takes true or false, got '\(Self.shown(disabled))'")
        }
        for signal in [Signal.traces, .logs, .metrics] { try Self.checkExporter(of: signal, text) }
        for pair in try Self.pairs(text("OTEL_RESOURCE_ATTRIBUTES"), "OTEL_RESOURCE_ATTRIBUTES") {
            resource[pair.name] = .string(pair.value)
        }
        if let name = text("OTEL_SERVICE_NAME") { resource["service.name"] = .string(name) }
        try readSampler(text)
        queueSize = try Self.number("OTEL_BSP_MAX_QUEUE_SIZE", text, 1...1_000_000) ?? queueSize
        batchSize = min(try Self.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", text, 1...100_000) ?? batchSize, queueSize)
        delay = try Self.number("OTEL_BSP_SCHEDULE_DELAY", text, 0...3_600_000) ?? delay
        patience = try Self.number("OTEL_BSP_EXPORT_TIMEOUT", text, 1...3_600_000) ?? patience
    }

    /// What goes by OTLP: the word of its variables, and the end of its address.
    private enum Signal: String {
        case traces = "TRACES"
        case logs = "LOGS"
        case metrics = "METRICS"

        var path: String { "v1/" + rawValue.lowercased() }
    }

    /// What is sent goes by OTLP, or nowhere.
    private static func checkExporter(of signal: Signal, _ text: (String) -> String?) throws(TelemetryError) {
        let name = "OTEL_\(signal.rawValue)_EXPORTER"
        guard let exporter = text(name), exporter != "otlp", exporter != "none" else { return }
        throw TelemetryError(message: "\(name) takes otlp or none, got '\(shown(exporter))'")
    }

    /// Where a signal goes that is sent only when it is asked for: by its exporter, or by an address of its own.
    private static func asked(
        _ signal: Signal, _ named: String?, _ text: (String) -> String?
    ) throws(TelemetryError) -> Endpoint? {
        switch text("OTEL_\(signal.rawValue)_EXPORTER") {
        case "otlp"?: return try otlp(named, signal, text)
        case nil where text("OTEL_EXPORTER_OTLP_\(signal.rawValue)_ENDPOINT") != nil: return try otlp(nil, signal, text)
        default: return nil
        }
    }

    private static func otlp(
        _ named: String?, _ signal: Signal, _ text: (String) -> String?
    ) throws(TelemetryError) -> Endpoint? {
        let own = "OTEL_EXPORTER_OTLP_\(signal.rawValue)_"
        let path = signal.path
        let url: String
        if let named {
            try check(named, "--otlp")
            // The whole address of traces stands for the server as well.
            url = named.joined(to: path, inPlaceOf: "/v1/traces")
        } else if let whole = text(own + "ENDPOINT") {
            try check(whole, own + "ENDPOINT")
            url = whole
        } else if let base = text("OTEL_EXPORTER_OTLP_ENDPOINT") {
            try check(base, "OTEL_EXPORTER_OTLP_ENDPOINT")
            url = base.joined(to: path)
        } else {
            return nil
        }
        func either(_ name: String) -> (name: String, text: String)? {
            for name in [own + name, "OTEL_EXPORTER_OTLP_" + name] {
                if let text = text(name) { return (name, text) }
            }
            return nil
        }
        if let chosen = either("PROTOCOL"), chosen.text != "http/json", chosen.text != "http/protobuf" {
            throw TelemetryError(
                message:
                    "\(chosen.name) is \(Self.shown(chosen.text)); telemetry is sent by http/json only, which servers of "
                    + "http/protobuf take too")
        }
        var isGzipped = true
        if let chosen = either("COMPRESSION") {
            guard chosen.text == "gzip" || chosen.text == "none" else {
                throw TelemetryError(message: "\(chosen.name) takes gzip or none, got '\(Self.shown(chosen.text))'")
            }
            isGzipped = chosen.text == "gzip"
        }
        let headers = either("HEADERS")
        try checkHeaders(headers?.text, headers?.name ?? "")
        let timeout = try number(either("TIMEOUT")?.name ?? "", text, 1...600_000) ?? 10_000
        var endpoint = Endpoint(
            name: url.withoutSecretsOfURL, url: url, headers: try pairs(headers?.text, headers?.name ?? ""),
            timeout: timeout, isGzipped: isGzipped)
        endpoint.certificate = either("CERTIFICATE")?.text
        let (certificate, key) = (either("CLIENT_CERTIFICATE"), either("CLIENT_KEY"))
        if let one = certificate ?? key, certificate == nil || key == nil {
            throw TelemetryError(
                message: "\(one.name) goes with a CLIENT_\(key == nil ? "KEY" : "CERTIFICATE") of the same server")
        }
        (endpoint.clientCertificate, endpoint.clientKey) = (certificate?.text, key?.text)
        return endpoint
    }

    private static func langfuse(_ text: (String) -> String?) throws(TelemetryError) -> Endpoint? {
        let (key, secret) = (text("LANGFUSE_PUBLIC_KEY"), text("LANGFUSE_SECRET_KEY"))
        guard let key, let secret else {
            if key == nil, secret == nil { return nil }
            throw TelemetryError(
                message:
                    "\(key == nil ? "LANGFUSE_PUBLIC_KEY" : "LANGFUSE_SECRET_KEY") is missing; Langfuse needs both keys"
            )
        }
        let source = text("LANGFUSE_BASE_URL") != nil ? "LANGFUSE_BASE_URL" : "LANGFUSE_HOST"
        let base = text("LANGFUSE_BASE_URL") ?? text("LANGFUSE_HOST") ?? "https://cloud.langfuse.com"
        try check(base, source)
        let url = base.joined(to: "api/public/otel/v1/traces")
        var endpoint = Endpoint(
            name: "Langfuse at \(base.withoutSecretsOfURL)", url: url,
            headers: [
                ("authorization", "Basic " + BytesText.base64(Array("\(key):\(secret)".utf8))),
                ("x-langfuse-ingestion-version", "4"),
            ], timeout: 10_000, isGzipped: true)
        endpoint.kind = .langfuse
        return endpoint
    }

    private mutating func readSampler(_ text: (String) -> String?) throws(TelemetryError) {
        let name = text("OTEL_TRACES_SAMPLER") ?? "parentbased_always_on"
        isParentBased = name.hasPrefix("parentbased_")
        switch name {
        case "always_on", "parentbased_always_on": sampler = .all
        case "always_off", "parentbased_always_off": sampler = .none
        case "traceidratio", "parentbased_traceidratio":
            let argument = text("OTEL_TRACES_SAMPLER_ARG") ?? "1"
            guard let share = Double(argument), (0...1).contains(share) else {
                throw TelemetryError(
                    message: "OTEL_TRACES_SAMPLER_ARG takes a number from 0 to 1, got '\(Self.shown(argument))'")
            }
            sampler = .share(share)
        default:
            throw TelemetryError(
                message:
                    "OTEL_TRACES_SAMPLER takes always_on, always_off or traceidratio, each also with parentbased_, "
                    + "got '\(Self.shown(name))'")
        }
    }

    /// The same, but no span is left out: for a run that somebody names.
    public var sendingAll: ExportSettings {
        var settings = self
        settings.sampler = .all
        settings.queueSize = .max
        settings.queueBytes = .max
        return settings
    }

    /// Whether the spans of a trace are sent.
    func samples(_ trace: TraceID, caller: TraceParent?) -> Bool {
        if isParentBased, let caller { return caller.isSampled }
        switch sampler {
        case .all: return true
        case .none: return false
        case .share(let share): return share >= 1 || Double(trace.low >> 1) < share * 0x1p63
        }
    }

    /// Whether the spans of a run are sent, as its engine asks.
    var sampling: TraceSampling {
        guard !endpoints.isEmpty else { return { _, _ in false } }
        return { run, traceparent in
            let caller = traceparent.flatMap { TraceParent($0) }
            return samples(caller?.trace ?? TraceID(run: run), caller: caller)
        }
    }

    // MARK: Words

    /// What the exporter or HTTP itself says of a request.
    private static let ownHeaders: Set<String> = [
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
        "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// A line break would let a value add headers of its own.
    private static func checkHeaders(_ text: String?, _ source: String) throws(TelemetryError) {
        for pair in try pairs(text, source) {
            let isName = pair.name.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && !#"(),/:;<=>?@[\]{}""#.utf8.contains($0)
            }
            guard isName, pair.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw TelemetryError(message: "\(source) has a header that HTTP does not allow")
            }
            if ownHeaders.contains(pair.name.lowercased()) {
                throw TelemetryError(
                    message: "\(source) cannot have \(pair.name.lowercased()), which is set by what is sent")
            }
        }
    }

    private static func check(_ url: String, _ source: String) throws(TelemetryError) {
        guard let problem = EndpointAddress.problem(url) else { return }
        throw TelemetryError(message: "\(source) \(problem), got '\(shown(url.withoutSecretsOfURL))'")
    }

    /// A value of the environment for a message of one line.
    private static func shown(_ text: String) -> String {
        let line = String(text.map { $0.isNewline || $0.asciiValue.map { $0 < 0x20 || $0 == 0x7F } == true ? " " : $0 })
        return RecordedContent.cut(line, to: 200)
    }

    private static func number(
        _ name: String, _ text: (String) -> String?, _ range: ClosedRange<Int>
    ) throws(TelemetryError) -> Int? {
        guard let given = text(name) else { return nil }
        guard let number = Int(given), range.contains(number) else {
            throw TelemetryError(
                message: "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), "
                    + "got '\(shown(given))'")
        }
        return number
    }

    /// Reads `name=value,…`, in which values may have percent escapes.
    private static func pairs(
        _ text: String?, _ source: String
    ) throws(TelemetryError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in (text ?? "").split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(sides[0]).trimming()
            guard sides.count == 2, !name.isEmpty else {
                throw TelemetryError(message: "\(source) takes name=value,…")
            }
            let value = String(sides[1]).trimming()
            guard let decoded = BytesText.percentDecoded(value) else {
                throw TelemetryError(
                    message: "\(source) has a % in '\(shown(name))' that is no escape of UTF-8; write %25 for the sign")
            }
            pairs.append((name, decoded))
        }
        return pairs
    }
}

extension String {
    fileprivate func trimming() -> String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    /// The address with a path below it, in front of its query.
    ///
    /// - Parameter end: what is taken off before, where it ends so.
    fileprivate func joined(to path: String, inPlaceOf end: String = "") -> String {
        let given = prefix { $0 != "?" && $0 != "#" }
        let base = given.hasSuffix(end) ? given.dropLast(end.count) : given
        return base + (base.hasSuffix("/") ? "" : "/") + path + dropFirst(given.count)
    }
}
