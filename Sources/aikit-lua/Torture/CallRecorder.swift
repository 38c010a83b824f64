internal import FlatValue
internal import JSONSchema
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Notes which callbacks of a workflow are called, and where.
final class CallRecorder: Sendable {
    /// One call: the path of the node, which start of the node it is, and the slot of the callback.
    struct Call: Hashable, Sendable {
        var path: String
        var occurrence: UInt32
        var slot: CallbackSlot
    }

    private let state = Mutex<[Call]>([])

    var calls: [Call] { state.withLock { $0 } }

    func note(_ call: Call) { state.withLock { $0.append(call) } }

    /// The workflow with every call of its code noted.
    func watching(_ workflow: Workflow) -> Workflow {
        let generation = Generation(id: workflow.generation.id, origin: workflow.generation.origin) { [self] in
            RecordingExecutor(try workflow.generation.makeExecutor(), recorder: self)
        }
        return Workflow(plan: workflow.plan, generation: generation)
    }
}

/// Passes everything on to another executor and notes the calls.
private final class RecordingExecutor: StepExecutor {
    private let executor: any StepExecutor
    private let recorder: CallRecorder

    init(_ executor: any StepExecutor, recorder: CallRecorder) {
        self.executor = executor
        self.recorder = recorder
    }

    func call(_ slot: CallbackSlot, _ argument: Slice, limits: CallLimits, run: Run, frame: Int32) -> CallOutcome {
        recorder.note(
            CallRecorder.Call(
                path: run.machine.path(of: frame), occurrence: run.machine.frames[Int(frame)].occurrence, slot: slot))
        return executor.call(slot, argument, limits: limits, run: run, frame: frame)
    }

    func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, limits: CallLimits, run: Run,
        frame: Int32
    ) -> CallOutcome {
        executor.resume(call, token: token, ok: ok, value: value, limits: limits, run: run, frame: frame)
    }

    func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32) {
        executor.close(call, code: code, message: message, run: run, frame: frame)
    }

    func requests(of call: OpaquePointer) -> [CallRequest] { executor.requests(of: call) }
    func serve(_ request: CallRequest) -> HostAnswer? { executor.serve(request) }
    func abandoned(by call: OpaquePointer) -> [UInt32] { executor.abandoned(by: call) }

    var effects: ByteArena {
        get { executor.effects }
        set { executor.effects = newValue }
    }

    var schemaFunctions: (any SchemaFunctions)? { executor.schemaFunctions }
    func beginWatch(_ token: UInt64) { executor.beginWatch(token) }
    func endWatch() { executor.endWatch() }
    var spentCPU: UInt64 { executor.spentCPU }
    func beginChecking(within limits: CallLimits) { executor.beginChecking(within: limits) }
    func endChecking() -> SchemaCalls { executor.endChecking() }
    var interrupter: any CallInterrupter { executor.interrupter }
}
