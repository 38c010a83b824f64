internal import Synchronization

/// How much of bodies that come in, or go out, is held at once. Any thread.
///
/// The beginning of each body that comes in is free, so that those who send much, or slowly, keep nobody else from asking.
final class BodyBudget: Sendable {
    /// So many bytes of each body are not counted.
    static let free = 64 << 10

    let limit: Int
    private let held = Atomic<Int>(0)

    /// - Parameter limit: in bytes.
    init(_ limit: Int) { self.limit = limit }

    /// Takes bytes, which are given back by ``give(_:)``; false, and nothing taken, where there are too few.
    func take(_ count: Int) -> Bool {
        if held.wrappingAdd(count, ordering: .relaxed).newValue <= limit { return true }
        give(count)
        return false
    }

    func give(_ count: Int) { held.wrappingSubtract(count, ordering: .relaxed) }
}
