public import FlatValue
public import WorkflowCore

/// Workflows whose callbacks are Swift closures.
extension Workflow {
    /// Makes a workflow of nodes whose callbacks `body` registers as it names them.
    ///
    /// Every callback gets one value and the context of its node, as a script's does: a step its input, a branch's `resolve`
    /// its input, a loop's `condition` what the loop has come to, `collect` and `aggregate` the list or object of results.
    ///
    /// ```swift
    /// let greet = try Workflow(id: "greet") { code in
    ///     [
    ///         .step("hello", handler: code.inline { name, _ in ["text": Value("Hello, \(name.string ?? "you")")] }),
    ///         .step("send", handler: code.async { letter, _ in try await post(letter) }),
    ///     ]
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - telemetry: how runs are traced, as a script says it: a boolean or an object.
    ///   - schedules: a list of schedules as a script has them, such as `[["id": "daily", "cron": "0 9 * * *"]]`;
    ///     a ``ScheduleService`` begins their runs.
    /// - Throws: ``DefinitionError`` with everything that is wrong with the workflow, each with the `file:line` of its Swift code.
    public convenience init(
        id: String, description: String? = nil, inputSchema: Value? = nil, outputSchema: Value? = nil,
        metadata: Value? = nil, ctx: Value? = nil, telemetry: Value? = nil, schedules: Value? = nil,
        file: StaticString = #fileID,
        line: UInt = #line,
        _ body: (inout StepHandlers) -> [NodeDefinition]
    ) throws(DefinitionError) {
        var handlers = StepHandlers()
        let nodes = body(&handlers)
        let definition = WorkflowDefinition(
            id: id, description: description, inputSchema: inputSchema, outputSchema: outputSchema, metadata: metadata,
            ctx: ctx, telemetry: telemetry, schedules: schedules, nodes: nodes, file: file, line: line)
        try self.init(definition, handlers: handlers)
    }

    /// Makes a workflow of a definition whose callbacks are slots of `handlers`.
    ///
    /// - Throws: ``DefinitionError`` with everything that is wrong with the definition.
    public convenience init(_ definition: WorkflowDefinition, handlers: StepHandlers) throws(DefinitionError) {
        let plan = try DefinitionReader.plan(from: definition.value)
        let unknownZones = plan.issuesOfTimeZones
        if !unknownZones.isEmpty { throw DefinitionError(issues: unknownZones) }
        self.init(plan: plan, generation: SwiftExecutor.generation(handlers.all))
    }

    /// The workflow as nodes and edges, for whatever shows it.
    public func inspect() -> WorkflowOutline { WorkflowOutline(plan) }
}

/// The callbacks of one workflow that is written in Swift, each known to the definition by its slot.
public struct StepHandlers: Sendable {
    private(set) var all: [StepHandler] = []

    public init() {}

    /// Registers a callback that runs on the worker's thread, so it must be quick; it costs the least.
    ///
    /// - Returns: its slot.
    public mutating func inline(_ body: @escaping @Sendable (Value, StepContext) throws -> Value) -> UInt32 {
        add(.inline(body))
    }

    /// Registers a callback that runs off the worker; its task is cancelled with its step.
    ///
    /// - Returns: its slot.
    public mutating func async(_ body: @escaping @Sendable (Value, StepContext) async throws -> Value) -> UInt32 {
        add(.async(body))
    }

    /// Registers a callback.
    ///
    /// - Returns: its slot, from 1.
    public mutating func add(_ handler: StepHandler) -> UInt32 {
        all.append(handler)
        return UInt32(all.count)
    }
}
