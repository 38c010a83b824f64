package import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// The effects that scripts may have, behind the permissions that were given.
///
/// Nothing is made before it is used: the HTTP client and its threads begin with the first request that is allowed.
package final class HostEffectsService: HostGateway {
    package let permissions: Permissions
    let secrets: Secrets
    private let settings: HTTPSettings
    /// Where answers of models are kept that may be given again; nil for nowhere.
    let cache: (any CacheStore)?
    /// What counts the calls of models of all processes; nil where those of this one are all.
    var limits: (any SharedLimitStore)? { cache as? any SharedLimitStore }
    private let http = Mutex<HTTPService?>(nil)
    private let narrowed = Mutex<[(limits: [Value], service: HostEffectsService)]>([])
    let streams = OpenStreams()
    let clients = MCPClients()

    /// - Parameters:
    ///   - secrets: what requests may carry that scripts do not see; those of the environment unless given.
    ///   - settings: how requests are made; those of the process's environment unless given.
    ///   - cache: where answers of models are kept that may be given again; nil for nowhere. One that counts calls too keeps
    ///     the limits of models for all processes that share it.
    package init(
        permissions: Permissions, secrets: Secrets = Secrets(), settings: HTTPSettings = .ofProcess,
        cache: (any CacheStore)? = nil
    ) {
        self.cache = cache
        self.permissions = permissions
        self.secrets = secrets
        self.settings = settings
    }

    var redactor: Redactor { secrets.redactor }

    package func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        do throws(HostFailure) {
            try NameLimit.check(call.payload)
        } catch {
            answer(error.answer)
            return nil
        }
        if !call.limits.isEmpty {
            var inner = call
            inner.limits = []
            return service(under: call.limits).begin(inner) { [permissions] in
                answer(Self.noting($0, permissions))
            }
        }
        let redactor = redactor
        let asked: (any Sendable)?
        do throws(HostFailure) {
            let size = call.payload.withCursor(\.byteCount)
            asked = size < Self.countedSize ? nil : try EffectMemory.shared.hold(size, copies: Self.payloadCopies)
        } catch {
            answer(error.answer)
            return nil
        }
        let answer: @Sendable (HostAnswer) -> Void = { result in
            defer { withExtendedLifetime(asked) {} }
            var shown = result
            shown.value = result.ok ? redactor.redact(result.value) : redactor.redact(error: result.value)
            shown.usage = result.usage.map { redactor.redact($0) }
            answer(Self.counting(shown))
        }
        switch call.operation {
        case "model": return beginModel(call, answer)
        case "mcp": return beginMCP(call.payload, answer)
        case "http": return beginHTTP(call.payload, answer)
        case "http.open": return openStream(call, answer)
        case "http.read": return readStream(call, answer)
        case "http.close":
            closeStream(call, answer)
            return nil
        case "exec", "hmac": return beginSystem(call, answer)
        case let name where name.hasPrefix("fs.") || name.hasPrefix("env."): return beginSystem(call, answer)
        case let name:
            answer(HostFailure.unknown(name).answer)
            return nil
        }
    }

    /// Payloads and answers from here on, in bytes, count for what all of them take.
    private static let countedSize = 4096
    /// How often a payload is held while the effect is under way: as a value, as bytes, and in the buffer of what sends them.
    private static let payloadCopies = 3

    private static func counting(_ answer: HostAnswer) -> HostAnswer {
        let size = answer.value.withCursor(\.byteCount)
        guard size >= countedSize else { return answer }
        do throws(HostFailure) {
            var counted = answer
            counted.holding = try EffectMemory.shared.hold(size)
            return counted
        } catch {
            return error.answer
        }
    }

    package func narrowed(_ grant: Value?, by limits: [Value]) -> Value {
        if limits.isEmpty { return grant ?? .null }
        return limits.reduce(grant.map(Permissions.init(grant:)) ?? permissions) { $0.narrowed(by: $1) }.grant
    }

    /// The service for steps that may do less.
    private func service(under limits: [Value]) -> HostEffectsService {
        narrowed.withLock { narrowed in
            if let known = narrowed.first(where: { $0.limits == limits }) { return known.service }
            let made = HostEffectsService(
                permissions: limits.reduce(permissions) { $0.narrowed(by: $1) }, secrets: secrets, settings: settings,
                cache: cache)
            narrowed.append((limits, made))
            return made
        }
    }

    /// The answer with a word on why a flag alone may not help, and without the flag where the run has all of that kind.
    private static func noting(_ answer: HostAnswer, _ permissions: Permissions) -> HostAnswer {
        guard !answer.ok, answer.value["code"] == "permission_denied", let entries = answer.value.entries else {
            return answer
        }
        let flag = answer.value["details"]?["flag"]?.string ?? ""
        let kind = Permissions.kinds.first { flag == "--allow-\($0.name)" || flag.hasPrefix("--allow-\($0.name)=") }
        let hasAll = kind.map { permissions[keyPath: $0.scope] == .everything } ?? false
        let note = "the `permissions` of the step or its workflow allow less than the run has"
        func noted(_ message: String) -> String {
            guard hasAll, let flagged = message.firstRange(of: "; run with ") else { return message + "; " + note }
            return String(message[..<flagged.lowerBound]) + ": " + note
        }
        var changed: [(String, Value)] = []
        for (key, value) in entries {
            switch key {
            case "message": changed.append((key, Value(noted(value.string ?? ""))))
            case "details" where hasAll: continue
            default: changed.append((key, value))
            }
        }
        return HostAnswer(ok: false, value: Value(entries: changed))
    }

    private func beginHTTP(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        do throws(HostFailure) {
            let call = try allowed(HTTPCall(payload))
            let service = service()
            return TaskOperation(on: .exchanges, answer: Self.tracing(payload, answer)) {
                try await service.perform(call)
            }
        } catch {
            answer(error.answer)
            return nil
        }
    }

    /// Adds the span of a request that begins now to its answer.
    static func tracing(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> @Sendable (HostAnswer) -> Void {
        let start = HostTime.milliseconds()
        return { result in
            answer(RequestTrace.tracing(payload, result, start: start, end: HostTime.milliseconds()))
        }
    }

    /// The call with its secrets filled in, once its destination has been allowed.
    func allowed(_ call: HTTPCall) throws(HostFailure) -> HTTPCall {
        guard permissions.allowsNet(host: call.url.host, port: call.url.port) else {
            throw HostFailure.denied("calling \(call.url.host)", flag: "--allow-net=\(call.url.permission)")
        }
        var call = call
        try call.fill(secrets, for: permissions, isNamed: permissions.namesHosts)
        return call
    }

    func service() -> HTTPService {
        http.withLock { service in
            if let service { return service }
            let made = HTTPService(permissions: permissions, settings: settings)
            service = made
            return made
        }
    }
}
