internal import FlatValue
internal import WorkflowCore

/// A callback that waits for the host.
struct PendingCall {
    /// Unique within the worker; given by ``CallTable/add(_:ordinal:)``.
    var id: UInt64 = 0
    let frame: Int32
    let serial: UInt32
    let stage: Stage
    /// What an earlier stage of the same command gave.
    let held: Slice
    let call: OpaquePointer
    /// What is left of its time.
    var limits: CallLimits
    var operations: [UInt32: any HostOperation] = [:]
    /// What its operations told of, for code that takes it piece by piece; by the number that the code gave.
    var deltas: [Int64: DeltaQueue] = [:]
    /// The names under which it has recorded results, or looked for them.
    var names: Set<String> = []
    /// The newest number of the names that the host gives, by what stands before it.
    var numbers: [String: Int] = [:]
    /// How many spans of its operations the journal has been given.
    var spanCount = 0
    /// How many it has not been given.
    var unshownCount = 0
    /// It has asked a model for something secret.
    var asksForSecrets = false
    /// Its code runs outside of the executor and has been told to leave; its answer, whatever it is, ends the call so.
    var leaving: Leaving?

    enum Leaving { case stopped, timedOut }
}
