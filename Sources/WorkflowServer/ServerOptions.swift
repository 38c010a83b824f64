/// How a ``WorkflowServer`` answers.
public struct ServerOptions: Sendable {
    /// The path below which all routes lie, such as `/workflows`; empty for none.
    public var basePath = ""
    /// Origins that browsers may ask from; `*` for any.
    public var allowedOrigins: [String] = []
    /// The public names by which requests without a token may call the server, in lower case; addresses and names without a
    /// dot always may. Nil for any.
    public var hosts: [String]?
    /// The largest body of a request, in bytes.
    public var bodyLimit = 10 << 20
    /// How many bytes of bodies that come in or wait for their turn are held at once, but for the first 64 KiB of each; beyond that requests are
    /// answered with 503.
    public var bodiesLimit = 128 << 20
    /// Bytes of large answers that may wait for their clients at once, unless it is a single one; others are answered with 503.
    public var answersLimit = 256 << 20
    /// How many bytes of large bodies webhooks and starts of runs work on at once, which takes several times as much memory; others
    /// wait for their turn.
    public var bodiesAtWork = 24 << 20
    /// Whether the dashboard is served, at the base path.
    public var hasDashboard = true
    /// How often a stream shows that it lives.
    public var heartbeat = Duration.seconds(15)
    /// How many requests may be under way at once; more are answered with 503. Streams count.
    public var requestLimit = 20_000
    /// How many connections may be open at once, if the process may have as many and a quarter more files open; more wait until one is
    /// closed. The last of them, at most 64, are answered with 503, but for `/health`.
    public var connectionLimit = 50_000
    /// How long a client may take for the head of a request, and between two requests of a connection.
    public var headTimeout = Duration.seconds(60)
    /// How long a client may take for the body of a request.
    public var bodyTimeout = Duration.seconds(120)
    /// How long a client may take nothing of an answer that is no stream.
    public var takingTimeout = Duration.seconds(60)
    /// How long a request waits for a run once its client has closed their side of the connection: those who mean to read the answer
    /// still get one that comes soon, and all others have gone.
    public var halfClosedTime = Duration.seconds(2)
    /// How long requests that are under way go on when the task of the server is cancelled.
    public var cancelGrace = Duration.seconds(1)
    /// The secret of a name, by which webhooks verify their requests; nil for one that is not known.
    public var secret: @Sendable (String) -> String? = { _ in nil }

    /// Whether clients of the Model Context Protocol are served, at `/mcp`.
    public var hasMCP = true
    /// What such clients may read besides.
    public var resources: [ServerResource] = []

    public init() {}

    /// What an answer to a page of the origin says of who may read it; nil where the page may not ask.
    func admittedOrigin(_ origin: String) -> String? {
        if allowedOrigins.contains("*") { return "*" }
        return allowedOrigins.contains(origin) ? origin : nil
    }
}
