public import FlatValue
package import JSONSchema
public import WorkflowCore

/// A step handler written in Swift.
public enum StepHandler: Sendable {
    /// Runs on the worker's thread, so it must be quick; it costs the least.
    case inline(@Sendable (Value, StepContext) throws -> Value)
    /// Runs off the worker; it is cancelled with its step.
    case async(@Sendable (Value, StepContext) async throws -> Value)
}

/// An error that a handler throws to say more than a message.
public struct StepError: WorkflowError {
    public var code: String
    public var message: String
    public var retryable: Bool
    public var details: Value?

    public init(code: String = "failed", message: String, retryable: Bool = true, details: Value? = nil) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details = details
    }
}

/// Runs handlers that are written in Swift: slot `n` is the handler at `n - 1`.
package final class SwiftExecutor: StepExecutor {
    private let handlers: [StepHandler]
    package var effects = ByteArena()
    private var waiting: [OpaquePointer: Waiting] = [:]

    private final class Waiting {
        let request: CallRequest
        let context: StepContext
        var served = false

        init(request: CallRequest, context: StepContext) {
            self.request = request
            self.context = context
        }
    }

    package init(handlers: [StepHandler]) { self.handlers = handlers }

    deinit { effects.deallocate() }

    package static func generation(_ handlers: [StepHandler]) -> Generation {
        Generation(id: "") { SwiftExecutor(handlers: handlers) }
    }

    package func call(_ slot: CallbackSlot, _ argument: Slice, limits: CallLimits, run: Run, frame: Int32)
        -> CallOutcome
    {
        let context = StepContext(run: run, frame: frame)
        let input = argument.isNone ? Value.null : Value(run.log.value(argument))
        switch handlers[Int(slot) - 1] {
        case .inline(let body):
            do {
                let output = try body(input, context)
                return finish(HostAnswer.success(output), context, run)
            } catch {
                return finish(.failure(error), context, run)
            }
        case .async(let body):
            let request = CallRequest(token: 1, operation: "swift") {
                do {
                    return .success(try await body(input, context))
                } catch {
                    return .failure(error)
                }
            }
            let waiting = Waiting(request: request, context: context)
            let call = OpaquePointer(Unmanaged.passUnretained(waiting).toOpaque())
            self.waiting[call] = waiting
            return CallOutcome(status: .suspended, value: .none, call: call)
        }
    }

    private func finish(_ answer: HostAnswer, _ context: StepContext, _ run: Run) -> CallOutcome {
        context.withEffects { effects.append($0) }
        let slice = run.log.arena.writing { $0.write(answer.value) }
        return CallOutcome(status: answer.ok ? .done : .failed, value: slice)
    }

    package func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, limits: CallLimits, run: Run,
        frame: Int32
    ) -> CallOutcome {
        guard let waiting = waiting.removeValue(forKey: call) else {
            return CallOutcome(status: .interrupted, value: .none)
        }
        return finish(HostAnswer(ok: ok, value: Value(ValueCursor(value))), waiting.context, run)
    }

    package func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32) {
        waiting[call] = nil
    }

    package func requests(of call: OpaquePointer) -> [CallRequest] {
        guard let waiting = waiting[call], !waiting.served else { return [] }
        waiting.served = true
        return [waiting.request]
    }

    package func serve(_ request: CallRequest) -> HostAnswer? { nil }
    package func abandoned(by call: OpaquePointer) -> [UInt32] { [] }
    private let functions = BudgetedFunctions()
    package var schemaFunctions: (any SchemaFunctions)? { functions }
    package func beginWatch(_ token: UInt64) {}
    package func endWatch() {}
    package var spentCPU: UInt64 { 0 }
    package func beginChecking(within limits: CallLimits) { functions.budget.begin(within: limits) }
    package func endChecking() -> SchemaCalls { functions.budget.end() }
    package var interrupter: any CallInterrupter { NoInterrupter() }
}

/// Passes over the functions of a script, which there are none of, and bounds the work on the value.
private final class BudgetedFunctions: SchemaFunctions {
    var budget = CheckBudget()

    func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement { .passes }

    func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation {
        arena.write(value)
        return .done
    }

    func mayContinue() -> Bool { budget.mayContinue(isCancelled: false) }
}

/// Swift code cannot be stopped from outside; an `async` handler learns of a cancel by its task.
private struct NoInterrupter: CallInterrupter {
    func interrupt(_ token: UInt64) -> Bool { false }
    func interruptAny() {}
}
