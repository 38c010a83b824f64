public import FlatValue
internal import Synchronization
internal import WorkflowCore

/// What a callback that is written in Swift sees of its run.
///
/// It is made for one call and may be used from any thread while the call lasts. Effects take place in the order in which
/// they are made, when the call has returned; the context's own reads see them at once.
public final class StepContext: Sendable {
    public let workflowID: String
    public let runID: String
    public let stepID: String
    /// The place in the run, such as `enrich[3]/translate`.
    public let path: String
    /// From 1.
    public let attempt: Int
    /// Which start of this step in the run it is, from 1.
    public let occurrence: Int
    /// The iteration or the item in which the step stands, from 1; nil outside of loops and foreach.
    public let iteration: Int?
    public let initialInput: Value
    /// The same at every attempt of this start of the step, also in another process after a crash: what a service needs to
    /// know a request that it has served before.
    public var idempotencyKey: String { "\(runID)/\(path)#\(occurrence)\(keySuffix)" }
    private let keySuffix: String
    /// The input of the step or the construct whose callback this is.
    public let input: Value
    private let isConcurrent: Bool
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var metadata: Value
        var ctx: Value
        var tags: RunTags
        var store: [String: Value]
        var effects = ByteArena()

        mutating func effect(_ kind: UInt8, _ name: String, _ value: Value?) {
            effects.append(kind)
            effects.writeKey(name)
            if let value {
                value.withBytes {
                    effects.append(word: UInt32($0.count))
                    effects.append($0)
                }
            } else {
                effects.append(word: UInt32(0))
            }
        }

        deinit {
            var effects = effects
            effects.deallocate()
        }
    }

    init(run: Run, frame: Int32) {
        let place = run.machine.frames[Int(frame)]
        func value(_ slice: Slice) -> Value { slice.isNone ? .emptyObject : Value(run.log.value(slice)) }
        workflowID = run.plan.id
        runID = run.id
        stepID = run.plan.details[Int(place.node)].id
        path = run.machine.path(of: frame)
        attempt = Int(max(place.attempt, 1))
        occurrence = Int(place.occurrence)
        keySuffix = run.machine.isClosing ? Closing.part(of: frame) : ""
        isConcurrent = run.plan.nodes[Int(place.node)].concurrent && !run.machine.isClosing
        let isLoop = run.plan.nodes[Int(place.node)].kind == .loop
        let ordinal = isLoop ? Int(place.opened) + 1 : Int(run.machine.iteration(of: frame))
        iteration = ordinal == 0 ? nil : ordinal
        initialInput = value(run.machine.initialInput)
        input = value(place.input)
        var store: [String: Value] = [:]
        for entry in run.machine.store.entries.elements {
            store[String(decoding: run.log.arena[entry.key], as: UTF8.self)] = value(entry.value)
        }
        let tags = (try? RunTags(value(run.machine.tags))) ?? .none
        state = Mutex(
            State(metadata: value(run.machine.metadata), ctx: value(run.machine.ctx), tags: tags, store: store))
    }

    /// The run's ctx, with what this call has changed.
    public var ctx: Value { state.withLock { $0.ctx } }

    /// The run's metadata, with what this call has changed.
    public var metadata: Value { state.withLock { $0.metadata } }

    /// What the run is found by, with what this call has changed: an object.
    public var tags: Value { state.withLock { $0.tags.value } }

    /// What the run has stored under a key, with what this call has changed.
    public func stored(_ key: String) -> Value? { state.withLock { $0.store[key] } }

    /// Publishes an event of the step.
    public func emit(type: String, data: Value? = nil) { state.withLock { $0.effect(1, type, data) } }

    /// Merges entries into the run's metadata.
    public func updateMetadata(_ changes: [String: Value]) {
        state.withLock { state in
            let kept = (state.metadata.entries ?? []).filter { changes[$0.key] == nil }.map { ($0.key, $0.value) }
            state.metadata = Value(entries: kept + changes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            state.effect(2, "", state.metadata)
        }
    }

    /// Replaces the run's ctx.
    ///
    /// - Throws: ``StepError`` in a body that runs beside others: they would overwrite each other's.
    public func updateCtx(_ value: Value) throws(StepError) {
        guard !isConcurrent else {
            throw StepError(
                code: "ctx_read_only", message: "updateCtx cannot be used in a body that runs beside others",
                retryable: false)
        }
        state.withLock { state in
            state.ctx = value
            state.effect(3, "", value)
        }
    }

    /// Has the run found by these names and values besides those that it has.
    ///
    /// - Throws: ``StepError`` with the code `invalid_tags` for what is no text, number or boolean, and for too many or too long
    ///   ones.
    public func setTags(_ changes: [String: Value]) throws(StepError) {
        do throws(RunTagFault) {
            let given = try RunTags(Value(entries: changes.map { ($0.key, $0.value) }))
            let tags = try state.withLock { state in Result { () throws(RunTagFault) in try state.tags.merging(given) }
            }.get()
            state.withLock { state in
                state.tags = tags
                state.effect(7, "", tags.value)
            }
        } catch {
            throw StepError(code: "invalid_tags", message: error.description, retryable: false)
        }
    }

    /// Ends the run once the handler has returned, whatever it returns: it succeeds without a result, and another run of the
    /// same workflow begins with this input, the metadata, the ctx and the tags of this one, and an empty journal. For
    /// handlers of steps; no-op elsewhere.
    public func restart(input: Value) { state.withLock { $0.effect(8, "", input) } }

    /// Stores a value for the rest of the run; nil removes the key.
    public func store(_ key: String, _ value: Value?) {
        state.withLock { state in
            state.store[key] = value
            state.effect(4, key, value)
        }
    }

    /// Adds attributes to the step's span: names with texts, numbers and booleans. Names that begin with `ai_kit.`, `gen_ai.` or
    /// `langfuse.`, and `user.id`, `session.id` and `error.type`, are the engine's own: what is given under them is left out, and
    /// counted.
    public func setAttributes(_ attributes: [String: Value]) {
        let sorted = attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        state.withLock { $0.effect(6, "", ["attributes": Value(entries: sorted)]) }
    }

    /// Gives what the call did to the run to `body`, in the order in which it was done.
    func withEffects(_ body: (UnsafeRawBufferPointer) -> Void) { state.withLock { body($0.effects.bytes) } }
}
