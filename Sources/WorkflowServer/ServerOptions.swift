/// How a ``WorkflowServer`` answers.
public struct ServerOptions: Sendable {
    /// The path below which all routes lie, such as `/workflows`; empty for none.
    public var basePath = ""
    /// Origins that browsers may ask from; `*` for any.
    public var allowedOrigins: [String] = []
    /// The largest body of a request, in bytes.
    public var bodyLimit = 10 << 20
    /// Whether the dashboard is served, at the base path.
    public var hasDashboard = true
    /// How often a stream shows that it lives.
    public var heartbeat = Duration.seconds(15)
    /// How many requests may be under way at once; more are answered with 503. Streams count.
    public var requestLimit = 20_000

    public init() {}
}
