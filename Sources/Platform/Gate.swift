internal import Synchronization

/// Something that happens once, and that tasks wait for. Any thread.
package final class Gate: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isOpen = false
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var last: UInt64 = 0
    }

    package init() {}

    package var isOpen: Bool { state.withLock(\.isOpen) }

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: true) }
    }

    /// Returns when it is open, also in a task that has been cancelled.
    package func passed() async { _ = await wait(as: number()) }

    /// Returns when it is open, or the task is cancelled; whether it is open.
    @discardableResult
    package func passedUnlessCancelled() async -> Bool {
        let number = number()
        return await withTaskCancellationHandler {
            await wait(as: number) { if Task.isCancelled { giveUp(number) } }
        } onCancel: {
            giveUp(number)
        }
    }

    /// Waits no longer than a time; whether it is open.
    package func passed(within limit: Duration) async -> Bool {
        let number = number()
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await wait(as: number) {
            timer = Task {
                try? await Task.sleep(for: limit)
                giveUp(number)
            }
        }
    }

    private func number() -> UInt64 {
        state.withLock { state in
            state.last += 1
            return state.last
        }
    }

    private func giveUp(_ number: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: false)
    }

    /// - Parameter began: called where it is not open yet, once the wait can be given up.
    private func wait(as number: UInt64, _ began: () -> Void = {}) async -> Bool {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting[number] = continuation }
                return state.isOpen
            }
            if isOpen { continuation.resume(returning: true) } else { began() }
        }
    }
}
