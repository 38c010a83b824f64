internal import FileWatching
internal import FlatValue
internal import NIOCore
internal import NIOSSL
internal import Platform
internal import Synchronization

/// The certificate of a server and its key: those of the start, and later those that replaced them in the files.
final class ServeTLS: Sendable {
    private let certificate: String
    private let key: String
    private let identity: Mutex<Identity>

    /// How often the files are looked at where nothing tells that they have changed.
    private static let interval = Duration.seconds(60)

    private struct Identity {
        var chainText: [UInt8]
        var keyText: [UInt8]
        var chain: [NIOSSLCertificateSource]
        var secret: NIOSSLPrivateKeySource

        var configuration: TLSConfiguration {
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: secret)
            configuration.minimumTLSVersion = .tlsv12
            return configuration
        }
    }

    /// - Returns: nil where neither file is named.
    static func read(certificate: String?, key: String?) throws(UsageError) -> ServeTLS? {
        guard let certificate, let key else {
            if certificate == nil, key == nil { return nil }
            throw UsageError("--tls-cert and --tls-key go together")
        }
        return ServeTLS(certificate, key, try identity(certificate, key))
    }

    private init(_ certificate: String, _ key: String, _ identity: Identity) {
        self.certificate = certificate
        self.key = key
        self.identity = Mutex(identity)
    }

    /// Takes connections of TLS 1.2 and newer, each with the certificate of its time.
    var configuration: TLSConfiguration {
        var configuration = identity.withLock(\.configuration)
        configuration.sslContextCallback = { [self] _, promise in
            var change = NIOSSLContextConfigurationOverride()
            (change.certificateChain, change.privateKey) = identity.withLock { ($0.chain, $0.secret) }
            promise.succeed(change)
        }
        return configuration
    }

    /// Takes what the files have by now, if the two fit.
    ///
    /// - Returns: whether it is something new.
    /// - Throws: why they cannot be used; the certificate stays as it was.
    func reload() throws(UsageError) -> Bool {
        let fresh = try Self.identity(certificate, key)
        return identity.withLock { identity in
            if identity.chainText == fresh.chainText, identity.keyText == fresh.keyText { return false }
            identity = fresh
            return true
        }
    }

    /// Takes what the files come to have, until its task is cancelled. Two files that do not fit yet are looked at again when
    /// either changes.
    func follow(_ log: ServeLog) async {
        let (changes, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watcher = FileWatcher { source.yield() }
        defer { watcher.stop() }
        watcher.watch([certificate, key])
        await withTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.interval)
                    source.yield()
                }
            }
            var problem: String?
            for await _ in changes {
                do throws(UsageError) {
                    if try reload() { log.info("the certificate was read again", ["file": .init(certificate)]) }
                    problem = nil
                } catch {
                    // Said once, however often it is looked at.
                    if error.problem.message != problem { log.warn("\(error.problem.message); the one before stays") }
                    problem = error.problem.message
                }
            }
            group.cancelAll()
        }
    }

    private static func identity(_ certificate: String, _ key: String) throws(UsageError) -> Identity {
        let (chainText, keyText) = (try pem(certificate, "--tls-cert"), try pem(key, "--tls-key"))
        if hasPassphrase(keyText) {
            throw UsageError(
                "--tls-key \(key) has a passphrase, for which a server cannot ask; a key without one is made by: "
                    + "openssl pkey -in \(shellQuoted(key)) -out NEW.pem")
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(chainText)
            let secret = try NIOSSLPrivateKey(bytes: keyText, format: .pem)
            let identity = Identity(
                chainText: chainText, keyText: keyText, chain: chain.map { .certificate($0) },
                secret: .privateKey(secret))
            // Tells whether the key is that of the certificate.
            _ = try NIOSSLContext(configuration: identity.configuration)
            return identity
        } catch {
            throw UsageError("cannot use the certificate \(certificate) with the key \(key): \(error)")
        }
    }

    /// Whether a key in PEM is encrypted: by the label of PKCS #8, or by the header of the older form.
    static func hasPassphrase(_ text: [UInt8]) -> Bool {
        String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).contains {
            $0.hasPrefix("-----BEGIN ENCRYPTED ") || $0.hasPrefix("Proc-Type:") && $0.contains("ENCRYPTED")
        }
    }

    private static func pem(_ path: String, _ option: String) throws(UsageError) -> [UInt8] {
        switch FileText.read(path, limit: 1 << 20) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw UsageError("\(option) cannot read \(path): \(failure.message)")
        }
    }
}
