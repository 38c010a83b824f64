package import FlatValue

/// When runs of a workflow begin by themselves.
package struct Schedule: Sendable, Equatable {
    package enum Timing: Sendable, Equatable {
        /// A cron expression by the local time of a zone of the IANA database.
        case cron(CronExpression, zone: String)
        /// At each multiple of an interval since 1970, in microseconds.
        case every(Int64)
    }

    /// What happens at a time at which the run of an earlier time is not over.
    package enum Overlap: String, Sendable, CaseIterable {
        /// The time passes without a run.
        case skip
        /// Its run begins when the earlier one is over.
        case queue
        /// The earlier run is cancelled.
        case cancelRunning = "cancel-running"
        /// Both run.
        case allow
    }

    /// Unique within its workflow.
    package var id: String
    package var timing: Timing
    package var input: Value
    package var overlap: Overlap
    /// How late a run may still begin, in microseconds.
    package var catchUp: Int64
    /// Every missed time within ``catchUp`` gets its run, and not the newest one alone.
    package var catchesUpAll: Bool

    /// What is taken when a schedule says nothing: enough for a server that is restarted.
    package static let usualCatchUp: Int64 = 60_000_000

    /// In words for people, such as `0 9 * * 1-5 (Europe/Oslo)`.
    package var text: String {
        switch timing {
        case .cron(let cron, let zone): "\(cron.text) (\(zone))"
        case .every(let interval): "every \(DurationText.text(microseconds: interval))"
        }
    }

    /// The first time after another one, both in microseconds since 1970; nil when there is none.
    package func next(after time: Int64, in zone: some TimeZoneRules) -> Int64? {
        switch timing {
        case .cron(let cron, _):
            let second = time >= 0 ? time / 1_000_000 : (time - 999_999) / 1_000_000
            return cron.next(after: Int(second), in: zone).map { Int64($0) * 1_000_000 }
        case .every(let interval):
            guard time >= 0, interval > 0 else { return nil }
            let (next, overflow) = (time / interval * interval).addingReportingOverflow(interval)
            return overflow ? nil : next
        }
    }

    /// A time in microseconds since 1970 to the second, as the ids of runs have it: `20260330T070000Z`.
    package func stamp(of time: Int64) -> String {
        let date = CivilDate(number: Int(time / 86_400_000_000))
        let second = Int(time / 1_000_000 % 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)\(two(date.month))\(two(date.day))T\(two(second / 3600))"
            + "\(two(second / 60 % 60))\(two(second % 60))Z"
    }
}
