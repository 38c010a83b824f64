package import FlatValue
package import JSONSchema
package import WorkflowCore

/// How a callback came back.
package enum CallStatus: UInt8, Sendable, BitwiseCopyable {
    /// `value` is what it returned.
    case done
    /// `value` is the error object that it raised.
    case failed
    /// It waits for the host; the call's requests tell for what.
    case suspended
    /// It was stopped from outside and has left; `value` is an error object that says why.
    case interrupted
}

/// What a call into a callback came to. Values lie in the run's arena.
package struct CallOutcome: BitwiseCopyable {
    package var status: CallStatus
    package var value: Slice
    /// The suspended call, to be given back to ``StepExecutor/resume(_:token:ok:value:limits:run:frame:)``.
    package var call: OpaquePointer?

    package init(status: CallStatus, value: Slice, call: OpaquePointer? = nil) {
        self.status = status
        self.value = value
        self.call = call
    }
}

/// Runs the callbacks of one generation of a script. It lives on one worker's thread, and only that thread calls it.
///
/// Every call gets at most one value and the context of the frame. Results are appended to the run's arena.
package protocol StepExecutor: AnyObject {
    /// Calls a callback with a value (unless it is absent) and the context of a frame.
    func call(_ slot: CallbackSlot, _ argument: Slice, limits: CallLimits, run: Run, frame: Int32) -> CallOutcome

    /// Gives a suspended call the answer to one of its requests, and goes on with it.
    func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, limits: CallLimits, run: Run,
        frame: Int32
    ) -> CallOutcome

    /// The CPU time that the last entry into code took, in nanoseconds; 0 for a short one.
    var spentCPU: UInt64 { get }

    /// Ends a suspended call; its cleanup, which has a time of its own, has run when this returns.
    func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32)

    /// What a call has asked for since it was last given control.
    func requests(of call: OpaquePointer) -> [CallRequest]

    /// The request of a call that only wants to sleep; nil when it wants something else, or more.
    ///
    /// It is the most frequent wish, and is found out without a copy.
    func sleep(of call: OpaquePointer) -> (token: UInt32, microseconds: Int64)?

    /// Answers a request that the executor can serve by itself, now that the call is suspended; nil leaves it to the host.
    func serve(_ request: CallRequest) -> HostAnswer?

    /// Requests that the call does not want answered any more.
    func abandoned(by call: OpaquePointer) -> [UInt32]

    /// The effects of the last call, to be taken by the worker at once; empty for most calls.
    var effects: ByteArena { get set }

    /// The callbacks that schemas ask, or nil where there are none.
    var schemaFunctions: (any SchemaFunctions)? { get }

    /// How much memory the code holds, in bytes.
    var memoryUsed: Int { get }

    /// Gives memory back that the code does not use any more, where that may be much. Between calls; takes as long as the code holds
    /// memory, about a second for a gigabyte.
    func collectGarbage()

    /// Where the code of a callback ends, as `file:line`; nil where that is not known.
    func end(of slot: CallbackSlot) -> String?

    /// Says whose code runs from now on; what asks to stop names the same token.
    func beginWatch(_ token: UInt64)
    func endWatch()

    /// Begins a validation that may ask ``schemaFunctions``, which take no more than this together.
    func beginChecking(within limits: CallLimits)
    func endChecking() -> SchemaCalls

    /// A thing that may be called from any thread to stop what runs for a token; it must not outlive the executor.
    var interrupter: any CallInterrupter { get }
}

extension StepExecutor {
    /// Empties the effects; memory of more than 1 MiB is given back.
    func dropEffects() {
        var bytes = effects
        bytes.removeAll()
        effects = bytes
    }

    package var memoryUsed: Int { 0 }
    package func collectGarbage() {}

    package func end(of slot: CallbackSlot) -> String? { nil }

    package func sleep(of call: OpaquePointer) -> (token: UInt32, microseconds: Int64)? { nil }
}

/// Stops running code from another thread.
package protocol CallInterrupter: Sendable {
    /// Whether code of that token was running and was told to stop.
    @discardableResult func interrupt(_ token: UInt64) -> Bool

    /// Stops the code that runs, whosever it is.
    func interruptAny()
}
