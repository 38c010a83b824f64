public import FlatValue

/// Operations of a program's own that its scripts call, each answered by a closure.
///
/// ```swift
/// let host = HostOperations()
///     .operation("orders.lookup") { call in
///         guard let order = try await orders.find(call.payload["id"]?.int) else {
///             throw StepError(code: "no_such_order", message: "there is no such order", retryable: false)
///         }
///         return order.value
///     }
/// let engine = WorkflowEngine(host: host)
/// ```
///
/// A script has the functions of a module, which take one value each and give the closure's answer:
///
/// ```lua
/// local orders = aikit.host "orders"
/// local order = orders.lookup { id = 7 }
/// ```
///
/// A closure runs in a task of its own, which is cancelled with its step. The error that it throws is the script's, with code,
/// message and details if it is a ``StepError``. What nothing here answers is asked of the gateway that the operations were put over.
/// A workflow or a step that says `permissions = { host = { "orders.*" } }` calls only what it names.
public struct HostOperations: HostGateway {
    public typealias Body = @Sendable (HostCall) async throws -> Value

    private var bodies: [String: Body] = [:]
    private let base: any HostGateway

    /// - Parameter base: answers all other operations, such as `http`.
    public init(over base: any HostGateway = NoHostOperations()) { self.base = base }

    /// These operations and one more; one that has its name is replaced.
    ///
    /// - Parameters:
    ///   - name: a module and a function, such as `orders.lookup`. The name of an operation that the host has anyway, such as
    ///     `http`, is answered in its place: a test may give what no server needs to say.
    ///   - body: gets the call, whose payload is what the function was called with.
    public func operation(_ name: String, _ body: @escaping Body) -> HostOperations {
        var result = self
        result.bodies[name] = body
        return result
    }

    public func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let isOwn = call.operation.hasPrefix(HostCall.ownPrefix)
        let name = HostCall.knownName(of: call.operation)
        guard let body = bodies[name] else { return base.begin(call, answer: answer) }
        if isOwn, !call.allows(name) {
            answer(
                .failure(
                    code: "permission_denied",
                    message:
                        "calling '\(name)' is not allowed: the `permissions` of the step or its workflow do not name it",
                    retryable: false))
            return nil
        }
        return HandlerTask(
            task: Task.detached {
                do {
                    answer(.success(try await body(call)))
                } catch {
                    answer(.failure(error))
                }
            })
    }

    public var usualGrant: Value { base.usualGrant }

    public func excess(of grant: Value) -> String? { base.excess(of: grant) }

    public func narrowed(_ grant: Value?, by limits: [Value]) -> Value {
        let result = base.narrowed(grant, by: limits)
        let own = (grant?["host"]?.array ?? []) + limits.compactMap(HostCall.ownNames)
        guard !own.isEmpty else { return result }
        let others = (result.entries ?? []).filter { $0.key != "host" }.map { ($0.key, $0.value) }
        return Value(entries: others + [("host", Value(array: own))])
    }
}

extension HostCall {
    /// The names of own operations that a limit leaves, as a list; nil where it leaves all.
    fileprivate static func ownNames(_ limit: Value) -> Value? {
        if limit.bool == false { return .emptyArray }
        guard let value = limit["host"], value.bool != true else { return nil }
        return value.string.map { [Value($0)] } ?? (value.array == nil ? .emptyArray : value)
    }

    /// Whether neither a limit of the step nor the run's grant leaves out an operation of the program's own. A grant that says
    /// nothing of them, as those of the command line do, leaves all.
    fileprivate func allows(_ name: String) -> Bool {
        let lists = (grant?["host"]?.array ?? []) + limits.compactMap(Self.ownNames)
        return lists.allSatisfy { list in
            (list.array ?? []).compactMap(\.string).contains {
                $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : $0 == name
            }
        }
    }
}

/// An operation that a task carries out: a child of the step's call, cancelled with it. An answer that comes after is passed over.
struct HandlerTask: HostOperation {
    let task: Task<Void, Never>

    func cancel() { task.cancel() }
}
