internal import Synchronization

/// The way back to whoever waits for one answer. Any thread; the first answer counts.
///
/// Who gets none is told so when the last reference goes: a question may be dropped with the worker that was to ask it.
final class Answer<Content: Sendable>: Sendable {
    private let waiting: Mutex<(@Sendable (Content) -> Void)?>
    private let none: Content

    /// - Parameters:
    ///   - none: what is told in place of an answer.
    ///   - told: called once.
    init(orElse none: Content, _ told: @escaping @Sendable (Content) -> Void) {
        self.none = none
        waiting = Mutex(told)
    }

    deinit { giveUp() }

    func give(_ content: Content) {
        let told = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        told?(content)
    }

    func giveUp() { give(none) }
}
