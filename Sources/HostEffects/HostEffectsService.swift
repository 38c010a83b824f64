package import WorkflowCore
package import WorkflowEngine

/// The effects that scripts may have, behind the permissions that were given.
///
/// Nothing is made before it is used: the HTTP client and its threads begin with the first request.
package final class HostEffectsService: HostEffects {
    private let permissions: Permissions

    package init(permissions: Permissions) { self.permissions = permissions }

    package func begin(
        _ request: HostRequest, for caller: HostCaller, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        answer(.failure(code: "unknown_operation", message: "the host has no operation '\(request.operation)'"))
        return nil
    }
}
