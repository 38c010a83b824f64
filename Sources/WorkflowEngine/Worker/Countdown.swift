internal import Synchronization

/// Calls a function once it has been passed as often as it was told.
final class Countdown: Sendable {
    private let rest: Atomic<Int>
    private let done: @Sendable () -> Void

    init(_ count: Int, _ done: @escaping @Sendable () -> Void) {
        rest = Atomic(count)
        self.done = done
    }

    func pass() {
        if rest.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done() }
    }
}
