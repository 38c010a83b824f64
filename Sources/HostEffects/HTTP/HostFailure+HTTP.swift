internal import AsyncHTTPClient
internal import Compression
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Platform

extension HostFailure {
    /// Says what an error of the HTTP client means, in one place.
    init(http error: any Error, call: HTTPCall) {
        let host = call.url.host
        switch error {
        case let error as HTTPClientError: self.init(error, call: call)
        case let error as NIOConnectionError: self.init(error, host: host)
        case let error as IOError where error.errnoCode == ECONNREFUSED: self = .refused(host, call.url.port)
        case let error as IOError:
            self.init("connection_failed", "\(host): \(String(cString: strerror(error.errnoCode)))", retryable: true)
        case NIOSSLError.uncleanShutdown: self = .closed(host)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init("tls", "no secure connection to \(host): \(TLSText.words("\(error)"))", retryable: false)
        case HTTPParserError.invalidEOFState, OddAnswer.closedBeforeAnswer, OddAnswer.closedBeforeRequest,
            ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.eof:
            self = .closed(host)
        case HTTPParserError.headerOverflow: self = .odd(host, "the headers of its answer are too large")
        case is HTTPParserError: self = .odd(host, "what it answers is not HTTP")
        case OddAnswer.forbiddenAddress(let address, let port):
            let name = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
            self = .denied(
                "calling '\(host)' at \(address), which is not of the public network,", flag: "--allow-net=\(name)")
        case let error as OddAnswer: self = .odd(host, error.words)
        case is Inflater.Fault: self = .odd(host, "its compressed answer is damaged")
        case is CancellationError: self.init("cancelled", "the request was given up", retryable: false)
        default: self.init("http_failed", "\(call.method) \(call.url.shown): \(error)", retryable: true)
        }
    }

    private init(_ error: HTTPClientError, call: HTTPCall) {
        let host = call.url.host
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
            self.init(
                "http_timeout", "\(host) did not answer within \(Self.seconds(call.timeout))", retryable: true)
        case .connectTimeout, .tlsHandshakeTimeout:
            self.init("http_timeout", "no connection to \(host) within 10 s", retryable: true)
        case .remoteConnectionClosed: self = .closed(host)
        case .cancelled, .requestStreamCancelled: self.init("cancelled", "the request was given up", retryable: false)
        case .invalidURL, .emptyHost, .emptyScheme:
            self.init("invalid_url", "'\(call.url.shown)' is no URL that can be called", retryable: false)
        default: self.init("http_failed", "\(call.method) \(call.url.shown): \(error)", retryable: true)
        }
    }

    private init(_ error: NIOConnectionError, host: String) {
        if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
            self.init("dns", "there is no host '\(host)', or its name cannot be resolved now", retryable: true)
            return
        }
        let codes = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        if !codes.isEmpty, codes.allSatisfy({ $0 == ECONNREFUSED }) {
            self = .refused(host, error.port)
        } else if let code = codes.first {
            self.init(
                "connection_failed", "no connection to \(host): \(String(cString: strerror(code)))", retryable: true)
        } else {
            let isLate = error.connectionErrors.contains { $0.error is ChannelError }
            self.init(
                isLate ? "http_timeout" : "connection_failed", "no connection to \(host):\(error.port)", retryable: true
            )
        }
    }

    private static func closed(_ host: String) -> HostFailure {
        HostFailure(
            "connection_closed", "\(host) closed the connection before its answer was complete", retryable: true)
    }

    /// The failure of a request whose answer breaks the rules of HTTP.
    private static func odd(_ host: String, _ why: String) -> HostFailure {
        HostFailure("http_failed", "\(host): \(why)", retryable: true)
    }

    private static func refused(_ host: String, _ port: Int) -> HostFailure {
        HostFailure("connection_refused", "nothing listens at \(host):\(port)", retryable: true)
    }

    /// A duration for people.
    static func seconds(_ microseconds: Int64) -> String {
        microseconds % 1_000_000 == 0 ? "\(microseconds / 1_000_000) s" : "\(microseconds / 1000) ms"
    }
}

extension OddAnswer {
    /// What is wrong, as the end of a sentence about the host.
    fileprivate var words: String {
        switch self {
        case .status(let code): "it answers with status \(code), which HTTP does not have"
        case .endlessInformation: "it sends informational answers without end"
        case .unasked: "it sends more than the answer"
        case .forbiddenAddress: "its address is not allowed"
        case .closedBeforeRequest, .closedBeforeAnswer: "it closed the connection"
        }
    }
}
