package import FlatValue

/// What an event says. The names that leave the engine are those of ``name``.
///
/// The numbers stand in stores and never change; a new kind takes the next one, whatever it is about.
package enum EventKind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case workflowStart = 0
    case workflowSuccess = 1
    case workflowError = 2
    case workflowCancelled = 3
    /// The run goes on after it waited for somebody, or after its process had died.
    case workflowResumed = 4
    case stepStart = 5
    case stepSuccess = 6
    case stepError = 7
    /// The script emitted something.
    case stepEvent = 8
    case stepBranch = 9
    case humanRequested = 10
    case humanCompleted = 11
    /// An attempt failed and another one follows.
    case stepRetry = 12
    case stepCancelled = 13
    /// The step waits for a time or for a signal.
    case stepWaiting = 14
    /// A body of a construct begins: an iteration, an item, a branch, a case.
    case bodyOpened = 15
    /// The step's input as its schema left it.
    case inputSettled = 16
    /// The list that a foreach runs over.
    case itemsListed = 17
    case metadataSet = 18
    case ctxSet = 19
    case storeSet = 20
    case cancelRequested = 21
    case signalReceived = 22
    /// The script logged something: `{ level, message, fields? }`.
    case log = 23
    /// Comes before the start: when the run is to begin, and how long it may take, as ``RunLimits`` reads it.
    case limitsSet = 24
    /// Who gives the answer of the `humanCompleted` that follows: a text.
    case answerSigned = 25
    /// What only traces show: of the run, before its start, `{ telemetry?, traceparent? }`; of a step
    /// `{ attributes }`, or a span that it made: `{ span: { name, index, parent?, attributes?, start, end, error? } }`, in milliseconds.
    case traced = 26
    /// Comes before the start: the run waits in the queue until the store lets it begin. The payload, which
    /// ``RunLimits/queueFault(in:)`` checks, has its `input` and what it is queued by.
    case queued = 27
    /// The run has come to an end, the terminal event whose number `item` is, and goes on to it over steps to undo and the
    /// workflow's completion handler; the payload is that of the terminal event, without what is undone.
    case endingDecided = 28
    /// A step is undone, or the completion handler is called: the first attempt, or another one.
    case closingStart = 29
    case closingSuccess = 30
    /// It failed for good; the run goes on to its end all the same.
    case closingError = 31
    /// An attempt failed and another one follows.
    case closingRetry = 32
    /// What the run is found by from here on: the whole of its ``RunTags``.
    case tagsSet = 33
    /// A handler ends the run in favour of another one that begins anew: `{ input, run }`, the input and the id of that one.
    case restartAsked = 34
    /// The script recorded a result under a name, once for this start of the step: `{ name, value?, child? }`; `child` is the id
    /// of a run that it starts and that ends with this one.
    case onceRecorded = 35
    /// A model answered: `{ model, provider, usage, finishReason?, … }`, as ``ModelUsage`` reads it.
    case modelCalled = 36

    /// The kind of a number in an event's `item`; nil for none.
    init?(number: Int32) {
        guard let number = UInt8(exactly: number) else { return nil }
        self.init(rawValue: number)
    }

    /// Whether it is of a call on the way to the end of the run.
    package var isClosing: Bool {
        self == .closingStart || self == .closingSuccess || self == .closingError || self == .closingRetry
    }

    /// Whether the run is over.
    package var isTerminal: Bool { self == .workflowSuccess || self == .workflowError || self == .workflowCancelled }

    /// What watchers are told of it; nil for facts that only the journal needs.
    ///
    /// - Parameter isOfStep: whether the event is of a step; calls on the way to the end of a run are of the run otherwise.
    package func type(ofStep isOfStep: Bool) -> RunEventType? {
        switch self {
        case .workflowStart: .workflowStart
        case .workflowSuccess: .workflowSuccess
        case .workflowError: .workflowError
        case .workflowCancelled: .workflowCancelled
        case .workflowResumed: .workflowResumed
        case .restartAsked: .workflowRestart
        case .endingDecided: .workflowEnding
        case .stepStart: .stepStart
        case .stepSuccess: .stepSuccess
        case .stepError: .stepError
        case .stepCancelled: .stepCancelled
        case .stepRetry: .stepRetry
        case .stepWaiting: .stepWaiting
        case .stepEvent: .stepEvent
        case .stepBranch: .stepBranch
        case .humanRequested: .humanRequested
        case .humanCompleted: .humanCompleted
        case .onceRecorded: .stepOnce
        case .modelCalled: .stepModel
        case .closingStart: isOfStep ? .compensateStart : .handlerStart
        case .closingSuccess: isOfStep ? .compensateSuccess : .handlerSuccess
        case .closingError: isOfStep ? .compensateError : .handlerError
        case .closingRetry: isOfStep ? .compensateRetry : .handlerRetry
        case .log: .log
        case .bodyOpened, .inputSettled, .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested,
            .signalReceived, .limitsSet, .answerSigned, .traced, .queued, .tagsSet:
            nil
        }
    }
}

/// Why a run goes on again: the `item` of `workflowResumed`.
package enum ResumeCause: Int32, Sendable {
    /// Somebody answered.
    case answered = 0
    /// Its process had died, which carried no code of other runs.
    case processDied = 1
    /// Its process had let it go.
    case released = 2
    /// It took over what another run had done, or was moved to other code.
    case forked = 3
    /// Its process had died, with code of several runs under way.
    case processDiedInCompany = 4

    init(died: Bool, inCompany: Bool) {
        self = !died ? .released : inCompany ? .processDiedInCompany : .processDied
    }
}

/// One entry of a run's journal: 32 bytes of plain data, with the payload in the run's arena.
package struct Event: Sendable, BitwiseCopyable, Equatable {
    /// Microseconds since 1970.
    package var time: Int64
    package var payload: Slice
    /// The frame in which it happened; of `bodyOpened` the frame that it makes.
    package var frame: Int32
    /// The node; of `bodyOpened` the frame that the new one lies in.
    package var node: Int32
    /// `stepSuccess`: the next node · `stepBranch`: the body that was chosen · `bodyOpened`: the ordinal, from 1 ·
    /// `stepRetry`, `closingRetry`: milliseconds until the next attempt · `workflowResumed`: a ``ResumeCause`` ·
    /// `endingDecided`: the number of the terminal event · `closingStart`, `closingSuccess`, `closingError`: the place of
    /// the completed step that is undone, in the order of completion from 0; -1 for the completion handler.
    package var item: Int32
    package var attempt: UInt16
    /// The number of its kind, which is what a journal holds: how an enumeration lies in memory is the compiler's to say.
    @usableFromInline let number: UInt8
    package var reserved: UInt8 = 0

    /// Whoever takes an event from bytes has checked its number; see ``JournalDecoder``.
    @inlinable
    package var kind: EventKind { EventKind(rawValue: number) ?? .traced }

    package init(
        _ kind: EventKind, time: Int64, frame: Int32, node: Int32, payload: Slice = .none, item: Int32 = 0,
        attempt: UInt16 = 0
    ) {
        self.time = time
        self.payload = payload
        self.frame = frame
        self.node = node
        self.item = item
        self.attempt = attempt
        number = kind.rawValue
    }
}

/// A run's events in order, with the bytes that they refer to: all that is needed to build its state anew.
///
/// An event's sequence number is its place in the log, from 1. The owner calls ``deallocate()`` exactly once.
package struct RunLog {
    package private(set) var events: UnsafeMutablePointer<Event>?
    package private(set) var count = 0
    private var capacity = 0
    package var arena = ByteArena()
    /// The bytes that it may hold, events and arena together.
    package var limit = 1 << 30

    package init() {}

    package subscript(_ index: Int) -> Event { events.unsafelyUnwrapped[index] }

    package mutating func append(_ event: Event) {
        if count == capacity { grow(to: max(capacity * 2, 8)) }
        (events.unsafelyUnwrapped + count).initialize(to: event)
        count &+= 1
    }

    /// Takes events and bytes that a journal gives back, which follow on what is there.
    ///
    /// The caller has checked the bytes with ``JournalDecoder``, or they come from another log.
    package mutating func append(events bytes: UnsafeRawBufferPointer, arena tail: UnsafeRawBufferPointer) {
        let added = bytes.count / MemoryLayout<Event>.stride
        // What is given whole needs no more room than it has; what comes in pieces is not copied with each.
        if count + added > capacity { grow(to: max(count + added, capacity * 2)) }
        if added > 0 {
            UnsafeMutableRawPointer(events.unsafelyUnwrapped + count).copyMemory(
                from: bytes.baseAddress.unsafelyUnwrapped, byteCount: added * MemoryLayout<Event>.stride)
        }
        count += added
        arena.append(tail)
    }

    /// Forgets what follows on the first events and the first bytes.
    package mutating func truncate(events: Int, arena bytes: Int) {
        count = min(count, max(events, 0))
        arena.count = min(arena.count, max(bytes, 0))
    }

    private mutating func grow(to wanted: Int) {
        let grown = UnsafeMutablePointer<Event>.allocate(capacity: wanted)
        if let events {
            grown.moveInitialize(from: events, count: count)
            events.deallocate()
        }
        events = grown
        capacity = wanted
    }

    /// The newest event of a kind from a place on; nil for none.
    package func newest(_ kind: EventKind, from index: Int) -> Event? {
        guard let events else { return nil }
        var place = count
        while place > index {
            place -= 1
            if events[place].number == kind.rawValue { return events[place] }
        }
        return nil
    }

    /// The bytes of the events from a place on.
    package func eventBytes(from index: Int) -> UnsafeRawBufferPointer {
        guard let events, index < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: events + index, count: (count - index) * MemoryLayout<Event>.stride)
    }

    /// How many bytes it holds, events and arena together.
    package var size: Int { arena.count + count * MemoryLayout<Event>.stride }

    /// Whether it may take as many bytes more. Whoever appends to the arena asks before, or at once afterwards where the size is
    /// not known before and lies far below 4 GiB: offsets have 32 bits.
    package func hasRoom(for bytes: Int) -> Bool {
        guard mayTake(bytes) else { return false }
        return arena.count + bytes <= max(arena.capacity, Self.probedSize)
            || MemoryAllowance.admits(2 * (arena.count + bytes))
    }

    /// Whether its limit lets it take as many bytes more, if the process has the memory.
    package func mayTake(_ bytes: Int) -> Bool { bytes >= 0 && bytes <= limit && size <= limit - bytes }

    /// Bytes that are had without asking the system whether it has them.
    private static let probedSize = 1 << 20

    /// The value that a payload holds; a slice of length 0 has none.
    package func value(_ slice: Slice) -> ValueCursor { ValueCursor(arena[slice]) }

    /// Gives back the memory that is not in use.
    package mutating func trim() {
        if capacity > count { grow(to: count) }
        arena.trim()
    }

    package mutating func deallocate() {
        events?.deallocate()
        events = nil
        count = 0
        capacity = 0
        arena.deallocate()
    }
}
