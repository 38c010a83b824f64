internal import NIOSSL
internal import WorkflowTelemetry

/// Tells at the start of a command whether the files can be used that `OTEL_EXPORTER_OTLP_…CERTIFICATE` and `…KEY` name.
enum ExportCertificates {
    static func check(_ endpoint: ExportSettings.Endpoint) throws(UsageError) {
        if let file = endpoint.certificate { _ = try certificates(file) }
        guard let file = endpoint.clientCertificate, let keyFile = endpoint.clientKey else { return }
        let chain = try certificates(file)
        let text = try read(keyFile)
        if ServeTLS.hasPassphrase(text) {
            throw UsageError(
                "\(keyFile), which OTEL_EXPORTER_OTLP_…KEY names, has a passphrase, for which nobody can be asked")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: text, format: .pem) else {
            throw UsageError("\(keyFile), which OTEL_EXPORTER_OTLP_…KEY names, has no key in PEM")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = chain.map { .certificate($0) }
        configuration.privateKey = .privateKey(key)
        // Tells whether the key is that of the certificate.
        guard (try? NIOSSLContext(configuration: configuration)) != nil else {
            throw UsageError("the key \(keyFile) is not that of the certificate \(file)")
        }
    }

    private static func certificates(_ file: String) throws(UsageError) -> [NIOSSLCertificate] {
        let text = try read(file)
        guard let all = try? NIOSSLCertificate.fromPEMBytes(text), !all.isEmpty else {
            throw UsageError("\(file), which OTEL_EXPORTER_OTLP_…CERTIFICATE names, has no certificate in PEM")
        }
        return all
    }

    private static func read(_ file: String) throws(UsageError) -> [UInt8] {
        switch FileText.read(file, limit: 1 << 20) {
        case .success(let bytes): return bytes
        case .failure(let failure):
            throw UsageError(
                "cannot read \(file), which OTEL_EXPORTER_OTLP_…CERTIFICATE or …KEY names: \(failure.message)")
        }
    }
}
