/// How many runs of a workflow may be under way, how often they may begin, and in what order.
///
/// Keys are callbacks that get the validated input; runs with the same key share a limit. Where a key is 0, all runs of
/// the workflow do.
package struct FlowControl: Sendable, Equatable {
    /// So many runs of a key may have begun and not be over.
    package struct Concurrency: Sendable, Equatable {
        package var limit: Int32
        package var key: CallbackSlot
    }

    /// So many runs of a key may begin within any period, in microseconds.
    package struct Rate: Sendable, Equatable {
        package var limit: Int32
        package var period: Int64
        package var key: CallbackSlot
    }

    /// One run of a key at a time.
    package struct Singleton: Sendable, Equatable {
        /// What becomes of a start while another run of the key is not over.
        package enum Conflict: String, Sendable, CaseIterable {
            /// Nothing begins; the run that is there is given.
            case skip
            /// The run that is there is cancelled, and the new one begins when that has stopped.
            case cancelRunning = "cancel-running"
            /// The new run begins when the other one is over.
            case queue
        }

        package var key: CallbackSlot
        package var onConflict: Conflict
    }

    /// A run begins once no other start of its key has come for a period, in microseconds; those before it are cancelled.
    package struct Debounce: Sendable, Equatable {
        package var period: Int64
        package var key: CallbackSlot
    }

    package enum Priority: Sendable, Equatable {
        case fixed(Int64)
        /// A callback that gives a whole number.
        case chosen(by: CallbackSlot)
    }

    package var concurrency: Concurrency?
    package var rate: Rate?
    package var priority: Priority?
    package var singleton: Singleton?
    package var debounce: Debounce?

    package init() {}

    /// Whether anything may keep a run from beginning at once.
    package var mayHold: Bool { concurrency != nil || rate != nil || singleton != nil || debounce != nil }

    /// Whether every run has a place in the queue: the key of some limit is that of all runs of the workflow.
    package var holdsAll: Bool {
        concurrency?.key == 0 || rate?.key == 0 || singleton?.key == 0 || debounce?.key == 0
    }

    /// The priority of all runs; nil where a function chooses it.
    package var fixedPriority: Int64? {
        switch priority {
        case nil: 0
        case .fixed(let priority): priority
        case .chosen: nil
        }
    }

    /// The priorities that there are; a higher one goes first.
    package static let priorities: ClosedRange<Int64> = -1_000_000...1_000_000
}
