internal import Synchronization

/// Counts refused tokens by address, and tells for how long an address that has had too many is to wait.
final class FailureLimit: Sendable {
    private struct Window {
        var failures = 0
        /// In microseconds since 1970.
        var until: Int64
    }

    private let windows = Mutex<[String: Window]>([:])
    private let limit: Int
    /// In microseconds.
    private let period: Int64
    /// How many addresses are kept; beyond that those whose time is over are forgotten, then all.
    private static let capacity = 10_000

    init(limit: Int = 20, period: Int64 = 60_000_000) {
        self.limit = limit
        self.period = period
    }

    /// How many seconds an address has to wait; nil when it need not.
    func wait(for address: String, at now: Int64) -> Int64? {
        windows.withLock { windows in
            guard let window = windows[address], window.until > now, window.failures >= limit else { return nil }
            return (window.until - now + 999_999) / 1_000_000
        }
    }

    func failed(_ address: String, at now: Int64) {
        windows.withLock { windows in
            if windows.count >= Self.capacity {
                windows = windows.filter { $0.value.until > now }
                if windows.count >= Self.capacity { windows = [:] }
            }
            if let window = windows[address], window.until > now {
                windows[address]?.failures += 1
            } else {
                windows[address] = Window(failures: 1, until: now + period)
            }
        }
    }
}
