internal import NIOSSL
internal import Platform

/// The certificate of a server and its key.
struct ServeTLS: Sendable {
    let configuration: TLSConfiguration

    static func configuration(certificate: String?, key: String?) throws(UsageError) -> ServeTLS? {
        guard let certificate, let key else {
            if certificate == nil, key == nil { return nil }
            throw UsageError("--tls-cert and --tls-key go together")
        }
        let (chainText, keyText) = (try pem(certificate, "--tls-cert"), try pem(key, "--tls-key"))
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(chainText)
            let secret = try NIOSSLPrivateKey(bytes: keyText, format: .pem)
            return ServeTLS(
                configuration: .makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(secret)))
        } catch {
            throw UsageError("cannot use the certificate \(certificate) with the key \(key): \(error)")
        }
    }

    private static func pem(_ path: String, _ option: String) throws(UsageError) -> [UInt8] {
        switch FileText.read(path, limit: 1 << 20) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw UsageError("\(option) cannot read \(path): \(failure.message)")
        }
    }
}

extension ServeSession {
    /// How many threads run steps unless something else is said.
    static var cores: Int { max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }
}
