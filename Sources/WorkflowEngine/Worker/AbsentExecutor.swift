internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// In the place of code that runs in another process; nothing calls it.
final class AbsentExecutor: StepExecutor {
    var effects = ByteArena()
    var spentCPU: UInt64 { 0 }
    var schemaFunctions: (any SchemaFunctions)? { nil }
    var interrupter: any CallInterrupter { AbsentInterrupter() }

    func call(_ slot: CallbackSlot, _ argument: Slice, limits: CallLimits, run: Run, frame: Int32) -> CallOutcome {
        let error = ErrorObject(code: "elsewhere", message: "the code of the run is in another process")
        return CallOutcome(status: .failed, value: error.write(into: &run.log.arena))
    }

    func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, limits: CallLimits, run: Run,
        frame: Int32
    ) -> CallOutcome { self.call(0, .none, limits: limits, run: run, frame: frame) }

    func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32) {}
    func requests(of call: OpaquePointer) -> [CallRequest] { [] }
    func serve(_ request: CallRequest) -> HostAnswer? { nil }
    func abandoned(by call: OpaquePointer) -> [UInt32] { [] }
    func beginWatch(_ token: UInt64) {}
    func endWatch() {}
    func beginChecking(within limits: CallLimits) {}
    func endChecking() -> SchemaCalls { .none }
}

private struct AbsentInterrupter: CallInterrupter {
    func interrupt(_ token: UInt64) -> Bool { false }
    func interruptAny() {}
}
