/// Why a secret is not there. The message never holds a value.
package struct SecretFailure: Error, Equatable, CustomStringConvertible {
    /// `secret_missing`, `secret_refused` or `secret_source`.
    package var code: String
    package var message: String

    package init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

extension HostFailure {
    init(_ failure: SecretFailure) { self.init(failure.code, failure.message, retryable: false) }
}
