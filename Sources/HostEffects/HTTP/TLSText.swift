/// What the errors of the TLS library mean for people.
enum TLSText {
    private static let meanings: [(mark: String, words: String)] = [
        (
            "CERTIFICATE_VERIFY_FAILED",
            "its certificate is not trusted: it is self-signed, out of date, or of an authority that is not known here; "
                + "SSL_CERT_FILE names a file of authorities to trust"
        ),
        ("failedToValidateHostname", "its certificate is for another name"),
        ("HOSTNAME_MISMATCH", "its certificate is for another name"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS at this port"),
        ("HTTP_REQUEST", "it does not speak TLS at this port"),
        ("UNSUPPORTED_PROTOCOL", "it speaks only versions of TLS that are no longer safe"),
        ("PROTOCOL_VERSION", "it speaks only versions of TLS that are no longer safe"),
        ("CERTIFICATE_REQUIRED", "it asks for a certificate of the client"),
    ]

    /// - Parameter description: the error as the library writes it, with places in its sources.
    static func words(_ description: String) -> String {
        if let meaning = meanings.first(where: { description.contains($0.mark) }) { return meaning.words }
        guard let mark = description.firstRange(of: "OPENSSL_internal:") else { return "the handshake failed" }
        let reason = description[mark.upperBound...].prefix { $0.isUppercase || $0.isNumber || $0 == "_" }
        return "the handshake failed (\(reason.lowercased().map { $0 == "_" ? " " : String($0) }.joined()))"
    }
}
