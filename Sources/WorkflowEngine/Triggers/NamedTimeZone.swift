internal import Foundation
package import WorkflowCore

/// A zone of the IANA time zone database, by its name.
package struct NamedTimeZone: TimeZoneRules {
    private let zone: TimeZone

    /// Nil when there is no such zone.
    package init?(_ name: String) {
        guard ["UTC", "GMT"].contains(name) || name.contains("/"), let zone = TimeZone(identifier: name) else {
            return nil
        }
        self.zone = zone
    }

    package func offset(at instant: Int) -> Int {
        zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant)))
    }
}

extension Schedule {
    /// The first time after another one, both in microseconds since 1970; nil when there is none.
    package func next(after time: Int64) -> Int64? {
        switch timing {
        case .cron(_, let zone): NamedTimeZone(zone).flatMap { next(after: time, in: $0) }
        case .every: next(after: time, in: UniversalTime())
        }
    }
}

extension Plan {
    /// Schedules in time zones that do not exist.
    package var issuesOfTimeZones: [DefinitionIssue] {
        schedules.enumerated().compactMap { index, schedule in
            guard case .cron(_, let zone) = schedule.timing, NamedTimeZone(zone) == nil else { return nil }
            return DefinitionIssue(
                message:
                    "schedule '\(schedule.id)' of workflow '\(id)' has an unknown `timezone` '\(zone)'; write a name "
                    + "such as Europe/Oslo, or UTC", location: details[0].location,
                path: "schedules[\(index + 1)].timezone", code: "invalid_timezone", severity: .error)
        }
    }
}
