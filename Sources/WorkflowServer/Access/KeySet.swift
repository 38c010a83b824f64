internal import FlatValue
internal import JWTKit

/// The keys of a JWK set that verify signatures, each for the algorithms that it may be used with.
///
/// Keys for other purposes, of other kinds and without what they need are left out: whoever publishes a set may add any at any time. A
/// key that names no algorithm serves all of its kind, each by itself, so that no token decides what others are verified by.
struct KeySet: Sendable {
    private struct Key: Sendable {
        var id: String?
        /// By the algorithm.
        var verifiers: [String: JWTKeyCollection]
    }

    private var keys: [Key] = []

    /// No keys.
    init() {}

    /// - Throws: what is wrong with a text that is no JWK set, or that has no key of use.
    init(_ json: String) async throws(KeySetFault) {
        guard let items = (try? Value(json: json))?["keys"]?.array else { throw KeySetFault("it is no JWK set") }
        for item in items.prefix(Self.limit) {
            guard item["use"]?.string ?? "sig" == "sig", let jwk = try? JWK(json: item.json) else { continue }
            var verifiers: [String: JWTKeyCollection] = [:]
            for algorithm in Self.algorithms(of: item) {
                var one = jwk
                one.algorithm = JWK.Algorithm(rawValue: algorithm)
                one.keyIdentifier = "key"
                let verifier = JWTKeyCollection()
                do {
                    try await verifier.add(jwk: one)
                    // Makes the key, which tells whether it is one.
                    _ = try await verifier.getKey(alg: algorithm)
                    verifiers[algorithm] = verifier
                } catch { continue }
            }
            if verifiers.isEmpty { continue }
            keys.append(Key(id: item["kid"]?.string, verifiers: verifiers))
        }
        guard !keys.isEmpty else { throw KeySetFault("it has no key that verifies RS, PS, ES or EdDSA signatures") }
    }

    /// How many keys of a set are looked at.
    private static let limit = 200

    /// What a key may be used with: the algorithm that it names, else those of its kind.
    private static func algorithms(of key: Value) -> [String] {
        let all =
            switch (key["kty"]?.string, key["crv"]?.string) {
            case ("RSA", _): ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
            case ("EC", "P-256"): ["ES256"]
            case ("EC", "P-384"): ["ES384"]
            case ("EC", "P-521"): ["ES512"]
            case ("OKP", "Ed25519"): ["EdDSA"]
            default: [String]()
            }
        guard let named = key["alg"], !named.isNull else { return all }
        return all.filter { $0 == named.string }
    }

    /// The keys that may have signed a token: those of its key's name, or all where it names none.
    func verifiers(for algorithm: String, id: String?) -> [JWTKeyCollection] {
        keys.filter { key in id == nil || key.id == nil || key.id == id }.compactMap { $0.verifiers[algorithm] }
    }
}

/// Why keys cannot be used, in words that go on after the name of their place.
package struct KeySetFault: Error, CustomStringConvertible {
    package var description: String

    init(_ text: String) { description = text }
}
