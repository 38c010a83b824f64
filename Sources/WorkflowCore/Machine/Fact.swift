package import FlatValue

/// What a driver tells the run machine: something that has happened, never something to do.
///
/// Slices lie in the run's arena. `frame` and `serial` are those of the command that is answered; an answer to an older
/// command is refused as ``Refusal/stale``.
package enum Fact: Equatable {
    /// The run begins; the input has passed the workflow's schema.
    ///
    /// `limits` is a payload of ``RunLimits``; a run that is to begin later starts when the timer of ``RunLimits/frame`` fires.
    /// `queue` is what the run is queued by, with its input: such a run starts when it is ``admitted``. `tags` is a payload of
    /// ``RunTags``.
    case started(
        input: Slice, metadata: Slice, ctx: Slice, seed: Int32 = 0, limits: Slice = .none, queue: Slice = .none,
        tags: Slice = .none)
    /// The store lets a run begin that waited in the queue.
    case admitted
    /// The input failed the workflow's schema.
    case inputRefused(error: Slice, metadata: Slice = .none, ctx: Slice = .none, tags: Slice = .none)
    /// The schema of the step's input rewrote it.
    case inputSettled(frame: Int32, serial: UInt32, input: Slice)
    /// A node gave its output; `next` is the node that a dynamic `next` chose, else ``Fact/usualNext``.
    case completed(frame: Int32, serial: UInt32, output: Slice, next: NodeIndex)
    /// A node failed. `chance` in 0 ..< 1 shakes the wait before another attempt.
    case failed(frame: Int32, serial: UInt32, error: Slice, retryable: Bool, chance: Double)
    /// A branch chose a body; `-1` goes on after the branch.
    case resolved(frame: Int32, serial: UInt32, choice: Int32)
    /// A foreach has its list, an array.
    case listed(frame: Int32, serial: UInt32, items: Slice)
    /// A loop goes on with this input.
    case continues(frame: Int32, serial: UInt32, input: Slice)
    /// A loop without `collect` ends.
    case ends(frame: Int32, serial: UInt32)
    /// A nested workflow, a parallel: its input is valid, its bodies may open.
    case entered(frame: Int32, serial: UInt32)
    /// A human step has its output and its form: `{ output, form }`.
    case asked(frame: Int32, serial: UInt32, request: Slice)
    /// A delay knows how long it takes, in microseconds.
    case delayed(frame: Int32, serial: UInt32, duration: Int64)
    /// A person answered; the answer has passed its schema. `by` is their name, where it is known.
    case replied(frame: Int32, serial: UInt32, response: Slice, by: Slice = .none)
    case timerFired(frame: Int32, serial: UInt32)
    /// A signal for the run: `{ name, payload }`.
    case signalled(signal: Slice)
    /// Somebody wants the run to stop: `{ reason }`.
    case cancelAsked(request: Slice)
    /// A handler wants the run to end in favour of another one: `{ input, run }`.
    case restartAsked(frame: Int32, request: Slice)
    /// Other runs know of the end: the one that follows on this one has begun, and those that end with it have stopped.
    case departed
    /// The runs that end with this one have stopped, before anything of it is undone.
    case halted
    /// A process that did not decide the run's end goes on to it; nothing was called on the way yet.
    case endingTakenUp
    /// The code that a `stop` was meant for has left.
    case stopped(frame: Int32, serial: UInt32)
    /// The process that drove the run is gone, and this one takes over; `died` if it did not let the run go by itself,
    /// `inCompany` if code of other runs was under way in it.
    case recovered(cause: Slice, died: Bool = true, inCompany: Bool = false)
    /// The run begins with what another one recorded: `{ reason, run, path? }`; the node of a frame gets another input.
    case forked(cause: Slice, frame: Int32, input: Slice)
    /// The run cannot go on at all, whatever it does; nothing of it is under way.
    case abandoned(error: Slice)
    /// The script emitted something: `{ name, payload }`.
    case emitted(frame: Int32, event: Slice)
    /// The script logged something: `{ level, message, fields? }`.
    case logged(frame: Int32, record: Slice)
    /// The script recorded a result: `{ name, value? }`.
    case recorded(frame: Int32, record: Slice)
    /// A model answered; see ``EventKind/modelCalled``.
    case modelCalled(frame: Int32, record: Slice)
    /// What traces show besides: before the run starts `{ telemetry?, traceparent?, source? }`, where `source`
    /// is `{ run, traceparent? }`, the run that this one begins anew from and its caller; in a step `{ attributes }`.
    case traced(frame: Int32, record: Slice)
    case metadataSet(frame: Int32, value: Slice)
    case ctxSet(frame: Int32, value: Slice)
    /// All that the run is found by from here on.
    case tagsSet(frame: Int32, value: Slice)
    /// `{ key, value }`; no `value` deletes.
    case storeSet(frame: Int32, entry: Slice)

    package static let usualNext: NodeIndex = -2
}

/// What the run machine wants done. Commands are plain values: carrying one out twice gives a second, stale answer.
package struct Command: BitwiseCopyable, Equatable, Sendable {
    package enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// Call the node's own callbacks.
        case invoke
        /// Call the callback that shapes the construct's output.
        case conclude
        /// Call what comes before the end of the run: the code that undoes the frame's node, or the completion handler.
        case close
        /// Stop what runs on behalf of the frame, and say so when it has left.
        case stop
        /// Say so when the time has come.
        case wait
        /// A wait is over before its time.
        case unwait
        /// Cancel ``RunMachine/children``, and say so when they have stopped.
        case halt
        /// Begin the run that follows on this one, as ``RunMachine/restart`` says, and cancel ``RunMachine/children``.
        case depart
        /// The run is over.
        case finish
    }

    package var kind: Kind
    package var frame: Int32
    package var node: Int32
    package var serial: UInt32
    /// `wait`: microseconds since 1970.
    package var time: Int64 = 0
}

/// Why a fact was not taken. The state is as it was.
package enum Refusal: Error, Equatable {
    /// It answers a question that is not open any more.
    case stale
    /// The run is over.
    case over
    /// The run has not begun, or has begun already.
    case outOfOrder
    /// No step waits there.
    case notWaiting
}
