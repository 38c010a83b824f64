internal import Crypto
internal import FlatValue
internal import Foundation
internal import JWTKit
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// How JWTs are judged.
public struct JWTOptions: Sendable {
    /// What the `iss` claim has to be; nil for anything.
    public var issuer: String?
    /// What the `aud` claim has to hold; nil for anything.
    public var audience: String?
    /// The claim that holds the role: `read`, `run` or `admin`. Of a list the role that may do the most counts.
    public var roleClaim = "role"
    /// The claim that holds the name, which is recorded with answers; `sub` where it is missing.
    public var nameClaim = "name"
    /// The role of a token without that claim; `none` refuses such tokens.
    public var defaultRole = "read"

    public init() {}
}

/// Judges JSON Web Tokens: their signature, their times, whom they are from and for.
public final class JWTAccess: Sendable {
    private let secrets = Mutex<[SymmetricKey]>([])
    /// The keys, and how often they have been replaced.
    private let keys = Mutex((set: KeySet(), version: 0))
    private let refresh = Mutex<(@Sendable () async -> Void)?>(nil)
    private let options: JWTOptions

    public init(_ options: JWTOptions = JWTOptions()) { self.options = options }

    /// Accepts tokens signed with a secret by HS256, HS384 or HS512.
    public func add(secret: String) { secrets.withLock { $0.append(SymmetricKey(data: Array(secret.utf8))) } }

    /// Accepts tokens signed by the keys of a JWK set, in place of those of an earlier one.
    ///
    /// - Throws: why the set cannot be used; the keys stay as they were.
    public func replace(jwks json: String) async throws {
        let fresh = try await KeySet(json)
        keys.withLock { $0 = (fresh, $0.version + 1) }
    }

    /// Calls `body` when no key of the JWK set has signed a token; the token is judged again when it returns, if the keys have
    /// been replaced by then.
    public func onUnknownKey(_ body: @escaping @Sendable () async -> Void) { refresh.withLock { $0 = body } }

    /// The claims of a token that one of the keys has signed; nil where none has.
    private func claims(of token: String, _ header: (algorithm: String, key: String?)) async -> Claims? {
        let (set, version) = keys.withLock { $0 }
        if let claims = await Self.claims(of: token, header, by: set) { return claims }
        guard let look = refresh.withLock({ $0 }) else { return nil }
        await look()
        let fresh = keys.withLock { $0 }
        return fresh.version == version ? nil : await Self.claims(of: token, header, by: fresh.set)
    }

    private static func claims(
        of token: String, _ header: (algorithm: String, key: String?), by set: KeySet
    ) async -> Claims? {
        for verifier in set.verifiers(for: header.algorithm, id: header.key) {
            if let claims = try? await verifier.verify(token, as: Claims.self) { return claims }
        }
        return nil
    }

    /// Who a token speaks for; nil when it is not good.
    func principal(_ token: String) async -> Principal? {
        guard let header = Self.header(of: token) else { return nil }
        var claims: Claims?
        if header.algorithm.hasPrefix("HS") {
            guard let parts = Self.parts(of: token), let signature = parts.signature,
                secrets.withLock({ $0 }).contains(where: { key in
                    Self.isSignature(signature, of: parts.signed, by: key, header.algorithm)
                })
            else { return nil }
            claims = try? JSONDecoder.claims.decode(Claims.self, from: parts.payload)
        } else {
            claims = await self.claims(of: token, header)
        }
        guard let claims, claims.isValid(options, at: Date()) else { return nil }
        guard let role = claims.role(options) else { return nil }
        return Principal(name: claims.texts[options.nameClaim] ?? claims.texts["sub"] ?? "", role: role)
    }

    /// Whether a secret has signed a text, by the algorithm that the token names; compared in constant time.
    private static func isSignature(_ code: Data, of text: Data, by key: SymmetricKey, _ algorithm: String) -> Bool {
        switch algorithm {
        case "HS256": HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: text, using: key)
        case "HS384": HMAC<SHA384>.isValidAuthenticationCode(code, authenticating: text, using: key)
        case "HS512": HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: text, using: key)
        default: false
        }
    }

    private static func parts(of token: String) -> (signed: Data, payload: Data, signature: Data?)? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Data(base64URL: parts[1]) else { return nil }
        return (Data("\(parts[0]).\(parts[1])".utf8), payload, Data(base64URL: parts[2]))
    }

    /// What a token says of itself; nil for a header that cannot be honoured.
    ///
    /// `crit` names extensions that have to be understood (RFC 7515, section 4.1.11), and none is understood here.
    private static func header(of token: String) -> (algorithm: String, key: String?)? {
        guard let first = token.split(separator: ".", omittingEmptySubsequences: false).first,
            let data = Data(base64URL: first), let fields = try? Value(json: String(decoding: data, as: UTF8.self)),
            let algorithm = fields["alg"]?.string, fields["crit"] == nil
        else { return nil }
        return (algorithm, fields["kid"]?.string)
    }
}

/// The claims of a token: texts by name, and those that say when and for whom it is good.
private struct Claims: JWTPayload {
    var texts: [String: String] = [:]
    var numbers: [String: Double] = [:]
    /// Lists of texts; what is no text is left out.
    var lists: [String: [String]] = [:]
    /// Claims that are there, though not null.
    var names: Set<String> = []
    var audience: [String] { texts["aud"].map { [$0] } ?? lists["aud"] ?? [] }

    struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for key in container.allKeys where try !container.decodeNil(forKey: key) || Self.times.contains(key.stringValue)
        {
            names.insert(key.stringValue)
            if let text = try? container.decode(String.self, forKey: key) {
                texts[key.stringValue] = text
            } else if let number = try? container.decode(Double.self, forKey: key) {
                numbers[key.stringValue] = number
            } else if let list = try? container.decode([Item].self, forKey: key) {
                lists[key.stringValue] = list.compactMap(\.text)
            }
        }
        for name in Self.times where names.contains(name) && numbers[name] == nil {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no time"))
        }
    }

    private static let times: Set = ["exp", "nbf"]

    /// An item of a list of any kind.
    private struct Item: Decodable {
        var text: String?

        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }

    /// The role that the claims give; nil where they name none that is known.
    func role(_ options: JWTOptions) -> AccessToken.Role? {
        guard names.contains(options.roleClaim) else { return AccessToken.Role(rawValue: options.defaultRole) }
        let given = texts[options.roleClaim].map { [$0] } ?? lists[options.roleClaim] ?? []
        let roles = given.compactMap { AccessToken.Role(rawValue: $0) }
        return [.admin, .run, .read].first { roles.contains($0) }
    }

    func encode(to encoder: any Encoder) throws {}
    func verify(using algorithm: some JWTAlgorithm) async throws {}

    func isValid(_ options: JWTOptions, at now: Date) -> Bool {
        let now = now.timeIntervalSince1970
        if let end = numbers["exp"], end <= now { return false }
        if let begin = numbers["nbf"], begin > now { return false }
        if let issuer = options.issuer, texts["iss"] != issuer { return false }
        if let wanted = options.audience, !audience.contains(wanted) { return false }
        return true
    }
}

extension JSONDecoder {
    fileprivate static var claims: JSONDecoder { JSONDecoder() }
}

extension Data {
    /// Decodes Base64 in the alphabet for URLs, without padding.
    fileprivate init?(base64URL text: Substring) {
        var text = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        while text.utf8.count % 4 != 0 { text += "=" }
        self.init(base64Encoded: text)
    }
}
