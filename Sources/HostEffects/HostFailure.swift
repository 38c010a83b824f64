internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Why an effect did not happen, as the script sees it.
struct HostFailure: Error, Equatable {
    /// A stable word, such as `http_timeout`.
    var code: String
    var message: String
    /// Whether trying again may help; nil leaves it to the step.
    var retryable: Bool?
    var details: Value?

    init(_ code: String, _ message: String, retryable: Bool? = nil, details: Value? = nil) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details = details
    }

    var answer: HostAnswer { .failure(code: code, message: message, retryable: retryable, details: details) }

    /// The refusal of a request that is wrong in itself.
    static func invalid(_ why: String) -> HostFailure { HostFailure("invalid_request", why, retryable: false) }

    /// Another one of `what` would leave the process hardly a file descriptor.
    static func noDescriptors(_ what: String) -> HostFailure {
        HostFailure(
            "too_many_open",
            "no file descriptor is left for \(what): ask for fewer at once, or let the process have more (ulimit -n)",
            retryable: true)
    }

    /// The refusal of something that a flag would allow.
    ///
    /// - Parameter instead: what to do that is more likely meant than to allow it.
    static func denied(_ what: String, flag: String, instead: String? = nil) -> HostFailure {
        HostFailure(
            "permission_denied", "\(what) is not allowed; \(instead ?? "run with \(flag) to allow it")",
            retryable: false,
            details: ["flag": Value(flag)])
    }
}
