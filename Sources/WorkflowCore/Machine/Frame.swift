package import FlatValue

/// Where a body of the definition tree stands: a frame runs one node of its sequence at a time.
///
/// The outermost frame runs node 0, the workflow; each iteration, item, branch and case that is under way has a frame of
/// its own below it. Frames are plain data. A frame that ended is used again for the next body.
package struct Frame: BitwiseCopyable, Equatable {
    package enum Phase: UInt8, Sendable, BitwiseCopyable {
        /// Not in use. Left when a body opens.
        case free
        /// The node is about to start. Goes to `running`, `opening`, `waiting` or `cancelled`.
        case ready
        /// The node's own callbacks run: a handler, a resolver, a condition. Goes to any phase but `free` and `ready`,
        /// or on to the next node.
        case running
        /// The construct has bodies to open. Goes to `body`.
        case opening
        /// Bodies of the node run. Goes to `running` (a loop), `opening`, `concluding`, `concluded`, `failing`, `cancelled`.
        case body
        /// The callback that shapes the construct's output runs. Goes on to the next node, or to `failing`, `stopping`.
        case concluding
        /// Everything below is done, and the output is the default one. Goes on to the next node.
        case concluded
        /// A body failed and all others have stopped. Goes to the failure of the frame.
        case failing
        /// Waits for a time, a person or a signal. Goes on to the next node, or to `cancelled`, `failing`.
        case waiting
        /// Waits for the time of the next attempt. Goes to `running`, `cancelled`.
        case backoff
        /// Was told to stop while a callback ran; its code has not left yet. Goes to `cancelled`.
        case stopping
        /// Has stopped; its end is not yet written. Left when the body ends.
        case cancelled
        /// The run is over. Only the outermost frame stands here, for ever.
        case over
    }

    /// The frame that this one lies in; `-1` for the outermost. Of a free frame, the next free one.
    package var parent: Int32
    /// Which body of its parent's node it is: an iteration, an item, a branch, a case; from 1.
    package var ordinal: Int32
    package var node: Int32
    /// Counts what was asked on behalf of this frame, so that a late answer is known as such.
    package var serial: UInt32 = 0
    package var phase: Phase
    /// Something above asked it to stop.
    package var cancelling = false
    /// One of its bodies failed; the rest is being stopped.
    package var failed = false
    /// Deaths of the process while this node ran, and no code of other runs.
    package var crashes: UInt8 = 0
    /// Deaths of the process while this node ran beside code of other runs, each of which may have been the cause.
    package var suspicions: UInt8 = 0
    package var attempt: UInt16 = 0
    package var occurrence: UInt32 = 1
    /// The input of the node.
    package var input: Slice
    /// loop: the last output · concluded: the output.
    package var value = Slice.none
    /// The error of a body, an object.
    package var failure = Slice.none
    /// Bodies that are under way.
    package var live: Int32 = 0
    /// The body under way that was opened last; `-1` for none.
    var lastBody: Int32 = -1
    /// The bodies of the same frame that were opened next before it and next after it; `-1` for none.
    var olderBody: Int32 = -1
    var newerBody: Int32 = -1
    /// Bodies opened so far.
    package var opened: Int32 = 0
    /// foreach, parallel: all bodies.
    package var total: Int32 = 0
    /// foreach: where the next item begins, in the arena.
    package var cursor: UInt32 = 0
    /// loop, foreach, parallel: the place of the results in the machine's tables; `-1` for none.
    package var table: Int32 = -1
    /// waiting, backoff: when it is over, in microseconds since 1970; 0 for never.
    package var deadline: Int64 = 0

    init(parent: Int32, ordinal: Int32, node: Int32, phase: Phase, input: Slice) {
        self.parent = parent
        self.ordinal = ordinal
        self.node = node
        self.phase = phase
        self.input = input
    }
}
