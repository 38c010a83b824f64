internal import FlatValue

extension DefinitionReader {
    private static let hookKeys = ["id", "path", "verify", "input", "run_id", "signal"]
    private static let signatureKeys = [
        "secret", "header", "algorithm", "encoding", "prefix", "timestamp", "tolerance", "signed",
    ]
    private static let example = "{ { id = \"push\", path = \"github/push\" } }"

    /// Reads the webhooks of the outermost workflow.
    mutating func readWebhooks(_ owner: Scope) -> [Webhook] {
        guard let list = value(owner, "hooks") else { return [] }
        guard list.isArray || list.tag == .emptyTable else {
            expected(owner, "hooks", "a list of hooks such as \(Self.example)", list)
            return []
        }
        var hooks: [Webhook] = []
        for (index, item) in list.items.enumerated() {
            guard item.isPlainObject else {
                expected(owner, "hooks[\(index + 1)]", "a table such as \(Self.example.dropFirst(2).dropLast(2))", item)
                continue
            }
            var scope = Scope(
                object: item, name: "hook \(index + 1) of \(owner.name)", path: "hooks[\(index + 1)]",
                location: owner.location)
            if let id = item["id"]?.string, !id.isEmpty { scope.name = "hook '\(id)' of \(owner.name)" }
            guard let hook = readWebhook(scope) else { continue }
            if hooks.contains(where: { $0.id == hook.id }) {
                report(scope, "duplicate_id", "has the id of another hook", key: "id")
            }
            if hooks.contains(where: { $0.path == hook.path }) {
                report(scope, "duplicate_path", "has the path of another hook", key: "path")
            }
            hooks.append(hook)
        }
        return hooks
    }

    private mutating func readWebhook(_ scope: Scope) -> Webhook? {
        checkKeys(scope, allowed: Self.hookKeys, shown: Self.hookKeys)
        let id = readID(scope)
        let path = string(scope, "path") ?? id
        let segments = path?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        // Clients and proxies take `.` and `..` out.
        let isOdd = segments.contains { $0.allSatisfy { $0 == "." } || !$0.utf8.allSatisfy(Self.fitsPath) }
        if path != nil, isOdd {
            report(
                scope, "invalid_path",
                "has a wrong `path`: write letters, digits, '-', '_' and '.', with '/' between them, such as github/push",
                key: "path")
        }
        let signature = readSignature(scope)
        let (input, runID) = (callback(scope, "input"), callback(scope, "run_id"))
        let signal = callback(scope, "signal")
        if signal != 0, input != 0 || runID != 0 {
            report(
                scope, "invalid_hook",
                "has a `signal`, with which it starts no run, and so no use for `input` or `run_id`",
                key: "signal")
        }
        guard let id, let path else { return nil }
        return Webhook(id: id, path: path, signature: signature, input: input, runID: runID, signal: signal)
    }

    /// What `aikit.hmac` made of its table.
    private mutating func readSignature(_ owner: Scope) -> Webhook.Signature? {
        guard let value = value(owner, "verify") else { return nil }
        guard value.isPlainObject, let made = value["hmac"], made.isPlainObject else {
            expected(
                owner, "verify",
                "aikit.hmac { secret = aikit.secret \"NAME\", header = \"X-Hub-Signature-256\", prefix = \"sha256=\" }",
                value)
            return nil
        }
        let scope = Scope(
            object: made, name: "`verify` of \(owner.name)", path: owner.path + ".verify", location: owner.location)
        checkKeys(scope, allowed: Self.signatureKeys, shown: Self.signatureKeys)
        var secret = ""
        if let name = made["secret"]?["$secret"]?.string, !name.isEmpty {
            secret = name
        } else {
            report(
                scope, "missing_secret", "has no `secret`; give it one: secret = aikit.secret \"WEBHOOK_SECRET\"",
                key: "secret")
        }
        let header = string(scope, "header")
        if header == nil || header?.isEmpty == true {
            report(scope, "missing_header", "has no `header`; name the one with the signature", key: "header")
        } else if header?.utf8.allSatisfy(Self.fitsHeader) == false {
            report(
                scope, "invalid_header",
                "has a wrong `header`: the name of a header has letters, digits, '-' and '_', such as X-Signature",
                key: "header")
        }
        let algorithm = word(scope, "algorithm", of: Webhook.Signature.Algorithm.allCases.map(\.rawValue))
        let encoding = word(scope, "encoding", of: Webhook.Signature.Encoding.allCases.map(\.rawValue))
        let moment = readMoment(scope)
        return Webhook.Signature(
            secret: secret, header: (header ?? "").lowercased(),
            algorithm: algorithm.flatMap(Webhook.Signature.Algorithm.init) ?? .sha256,
            encoding: encoding.flatMap(Webhook.Signature.Encoding.init) ?? .hex, prefix: string(scope, "prefix") ?? "",
            moment: moment, content: readContent(scope, hasMoment: moment != nil))
    }

    private static let usualTolerance: Int64 = 300_000_000

    private mutating func readMoment(_ scope: Scope) -> Webhook.Signature.Moment? {
        let tolerance = duration(scope, "tolerance")
        guard let place = string(scope, "timestamp") else {
            if tolerance != nil {
                report(
                    scope, "missing_timestamp", "has a `tolerance` and no `timestamp`; name the header with the time",
                    key: "tolerance")
            }
            return nil
        }
        let isPart = place.hasSuffix("=")
        guard !place.isEmpty, place != "=", isPart || place.utf8.allSatisfy(Self.fitsHeader) else {
            report(
                scope, "invalid_timestamp",
                "has a wrong `timestamp`: name the header with the time of the signature, or the part of the signature's "
                    + "header, such as t=", key: "timestamp")
            return nil
        }
        return Webhook.Signature.Moment(
            source: isPart ? .part(place) : .header(place.lowercased()), tolerance: tolerance ?? Self.usualTolerance)
    }

    /// What is signed: a text with `{body}`, `{timestamp}` and names of headers in braces.
    private mutating func readContent(_ scope: Scope, hasMoment: Bool) -> [Webhook.Signature.Part] {
        let usual: [Webhook.Signature.Part] = hasMoment ? [.timestamp, .text("."), .body] : [.body]
        guard let text = string(scope, "signed") else { return usual }
        var parts: [Webhook.Signature.Part] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            let name = rest[rest.index(after: open)..<close].lowercased()
            switch name {
            case "body": parts.append(.body)
            case "timestamp": parts.append(.timestamp)
            default: parts.append(.header(name))
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        let areNames = parts.allSatisfy { part in
            if case .header(let name) = part { !name.isEmpty && name.utf8.allSatisfy(Self.fitsHeader) } else { true }
        }
        // A time that is not signed shows nothing, and neither does a signature of anything else than the body.
        guard areNames, parts.count(where: { $0 == .body }) == 1, parts.contains(.timestamp) == hasMoment else {
            report(
                scope, "invalid_signed",
                "has a wrong `signed`: write what is signed, with {body} once"
                    + (hasMoment ? ", {timestamp}" : "")
                    + " and names of headers in braces, such as v0:{timestamp}:{body}"
                    + (hasMoment ? "" : "; {timestamp} needs a `timestamp` that says where it stands"), key: "signed")
            return usual
        }
        return parts
    }

    private static func fitsHeader(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func fitsPath(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
