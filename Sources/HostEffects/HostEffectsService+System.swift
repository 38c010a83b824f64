internal import Crypto
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Files, the environment and programs.
extension HostEffectsService {
    /// Begins an operation whose name begins with `fs.`, `env.` or is `exec`; nil where it has been answered already.
    func beginSystem(
        _ call: HostCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let (operation, payload, permissions) = (call.operation, call.payload, permissions)
        do throws(HostFailure) {
            switch operation {
            case "exec": return try ProgramRun(ExecCall(payload, permissions, secrets), answer: answer)
            case "hmac": answer(.success(try keyedDigest(payload)))
            case "env.get", "env.all":
                answer(.success(try EnvironmentVariables.perform(operation, payload, permissions)))
            default:
                // The disk may be slow, and a worker has other runs.
                return TaskOperation(on: .files, answer: answer) {
                    guard let value = try FileOperations(permissions).perform(operation, payload) else {
                        throw HostFailure.unknown(operation)
                    }
                    return value
                }
            }
        } catch {
            answer(error.answer)
        }
        return nil
    }
}

extension HostEffectsService {
    /// The keyed digest of `{ algorithm, key, data }`, where the key is the mark of a secret: signing sends nothing of it away.
    private func keyedDigest(_ payload: Value) throws(HostFailure) -> Value {
        guard let use = payload["key"].flatMap({ SecretUse($0) }), use.form == .plain else {
            throw .invalid("the key takes a secret as it is")
        }
        let secret = try secrets.value(of: use.name, for: permissions, destinationIsNamed: false)
        let key = SymmetricKey(data: Array(secret.utf8))
        let data = payload["data"]?.withCursor { $0.stringBytes.map(Array.init) } ?? []
        func code<Function: HashFunction>(_: Function.Type) -> [UInt8] {
            Array(HMAC<Function>.authenticationCode(for: data, using: key))
        }
        let digest: [UInt8]
        switch payload["algorithm"]?.string {
        case "sha256": digest = code(SHA256.self)
        case "sha384": digest = code(SHA384.self)
        case "sha512": digest = code(SHA512.self)
        case "sha1": digest = code(Insecure.SHA1.self)
        case "md5": digest = code(Insecure.MD5.self)
        case let name: throw .invalid("there is no digest '\(name ?? "")'")
        }
        return Value { arena in digest.withUnsafeBytes { arena.writeString($0) } }
    }
}

extension HostFailure {
    static func unknown(_ operation: String) -> HostFailure {
        HostFailure(
            "unknown_operation", "the host has no operation '\(HostCall.knownName(of: operation))'", retryable: false)
    }
}
