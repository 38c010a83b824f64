public import Hummingbird
internal import Logging
internal import NIOCore
internal import WorkflowEngine

/// What is known of a request beside the request itself; an application that mounts the routes uses it as its context.
public struct ServerContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The address of the other end, without its port; empty where there is none.
    let address: String
    let channel: any Channel
    /// Who asks; set by ``AuthMiddleware``.
    var principal = Principal.everybody
    /// Whether it is by the cookie of a session that the server knows who asks.
    var isSession = false
    /// What the answer and the log call the request.
    var requestID = ""

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        address = source.channel.remoteAddress?.ipAddress ?? ""
    }
}
