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
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            let secret = try NIOSSLPrivateKey(file: key, format: .pem)
            return ServeTLS(
                configuration: .makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(secret)))
        } catch {
            throw UsageError("cannot use the certificate \(certificate) with the key \(key): \(error)")
        }
    }
}

extension ServeSession {
    /// How many threads run steps unless something else is said.
    static var cores: Int { max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }
}
