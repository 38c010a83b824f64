/// The names of attributes, in one place: the GenAI conventions are still in development.
enum Names {
    // MARK: AI Kit

    static let workflow = "ai_kit.workflow."
    static let workflowID = "ai_kit.workflow.id"
    static let runID = "ai_kit.workflow.run_id"
    static let stepID = "ai_kit.workflow.step.id"
    static let stepPath = "ai_kit.workflow.step.path"
    static let stepOccurrence = "ai_kit.workflow.step.occurrence"
    static let stepAttempt = "ai_kit.workflow.step.attempt"
    static let stepKind = "ai_kit.workflow.step.kind"
    static let stepDescription = "ai_kit.workflow.step.description"
    static let stepInput = "ai_kit.workflow.step.input"
    static let stepOutput = "ai_kit.workflow.step.output"
    static let stepBranchID = "ai_kit.workflow.step.branch_id"
    static let stepNext = "ai_kit.workflow.step.next_step_id"
    static let stepGroup = "ai_kit.workflow.step.parallel_group_id"
    static let stepBranch = "ai_kit.workflow.step.parallel_branch_id"
    /// How many spans that were made in the step are not shown.
    static let droppedSpans = "ai_kit.workflow.step.dropped_spans"

    // MARK: OpenTelemetry

    static let operation = "gen_ai.operation.name"
    static let workflowName = "gen_ai.workflow.name"
    static let conversation = "gen_ai.conversation.id"
    static let agentName = "gen_ai.agent.name"
    static let agentID = "gen_ai.agent.id"
    static let agentDescription = "gen_ai.agent.description"
    static let toolName = "gen_ai.tool.name"
    static let toolType = "gen_ai.tool.type"
    static let toolCallID = "gen_ai.tool.call.id"
    static let toolDescription = "gen_ai.tool.description"
    static let provider = "gen_ai.provider.name"
    static let requestModel = "gen_ai.request.model"
    static let request = "gen_ai.request."
    static let responseModel = "gen_ai.response.model"
    static let responseID = "gen_ai.response.id"
    static let finishReasons = "gen_ai.response.finish_reasons"
    static let inputTokens = "gen_ai.usage.input_tokens"
    static let outputTokens = "gen_ai.usage.output_tokens"
    static let cachedInputTokens = "gen_ai.usage.cache_read.input_tokens"
    static let serverAddress = "server.address"
    static let serverPort = "server.port"
    static let requestMethod = "http.request.method"
    static let requestURL = "url.full"
    static let responseStatus = "http.response.status_code"
    static let resendCount = "http.request.resend_count"
    static let errorType = "error.type"
    static let exceptionType = "exception.type"
    static let exceptionMessage = "exception.message"
    static let exceptionTrace = "exception.stacktrace"
    static let user = "user.id"
    static let session = "session.id"

    // MARK: Langfuse

    static let traceName = "langfuse.trace.name"
    static let traceTags = "langfuse.trace.tags"
    static let traceMetadata = "langfuse.trace.metadata."
    static let langfuseUser = "langfuse.user.id"
    static let langfuseSession = "langfuse.session.id"
    static let environment = "langfuse.environment"
    static let observationType = "langfuse.observation.type"
    static let observationInput = "langfuse.observation.input"
    static let observationOutput = "langfuse.observation.output"
    static let modelName = "langfuse.observation.model.name"
    static let modelParameters = "langfuse.observation.model.parameters"
    static let usageDetails = "langfuse.observation.usage_details"
    static let costDetails = "langfuse.observation.cost_details"
    static let completionStart = "langfuse.observation.completion_start_time"
    static let level = "langfuse.observation.level"
    static let statusMessage = "langfuse.observation.status_message"

    /// Keys of metadata that Langfuse cannot take.
    static let refusedKeys: Set<String> = ["__proto__", "constructor", "prototype"]

    /// Whether a key is the engine's, so that scripts cannot set it: what is measured and found by it would be whatever they say.
    /// The library of scripts refuses the same keys.
    static func isReserved(_ key: String) -> Bool {
        reservedPrefixes.contains { key.hasPrefix($0) } || reservedNames.contains(key)
    }

    private static let reservedPrefixes = ["ai_kit.", "gen_ai.", "langfuse."]
    private static let reservedNames: Set<String> = [user, session, errorType]

    /// Whether a key is one of those here, which scripts seldom use.
    static func isOurs(_ key: String) -> Bool {
        ["ai_kit.", "gen_ai.", "langfuse.", "http.", "server.", "error."].contains { key.hasPrefix($0) }
    }

    // MARK: Events

    static let waitingForPerson = "workflow.waiting_human"
    static let waiting = "workflow.waiting"
    static let interrupted = "workflow.interrupted"
    static let cancelled = "workflow.cancelled"
    static let exception = "exception"
    static let retry = "workflow.step.retry"
    static let log = "log"
    static let logLevel = "log.level"
    static let logMessage = "log.message"
    /// The run of an entry of the log, and its place in the run's journal: the two are the same whenever it is sent.
    static let logRun = "aikit.run.id"
    static let logSequence = "aikit.event.sequence"
    /// What an entry of the log says of the span in which it was logged.
    static let ofLogs: Set<String> = [
        stepID, stepPath, stepOccurrence, stepAttempt, user, session, traceName, environment,
    ]
}
