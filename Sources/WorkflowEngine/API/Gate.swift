internal import Synchronization

/// Something that happens once, and that tasks wait for.
package final class Gate: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isOpen = false
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var next: UInt64 = 0
    }

    package init() {}

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: true) }
    }

    package func passed() async { _ = await wait { _ in } }

    /// Waits no longer than a time; whether the gate is open.
    package func passed(within limit: Duration) async -> Bool {
        await wait { number in
            Task {
                try? await Task.sleep(for: limit)
                self.state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: false)
            }
        }
    }

    private func wait(_ began: (UInt64) -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let number = state.withLock { state -> UInt64? in
                if state.isOpen { return nil }
                state.next += 1
                state.waiting[state.next] = continuation
                return state.next
            }
            if let number { began(number) } else { continuation.resume(returning: true) }
        }
    }
}
