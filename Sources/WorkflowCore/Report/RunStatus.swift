package import FlatValue

/// Where a run stands, or a step of it.
public enum RunStatus: String, Sendable, CaseIterable, CustomStringConvertible {
    /// It has not begun: its time is still to come, or the limits of its workflow hold it back. Of runs alone.
    case queued
    case running
    /// It waits for a time, a signal or its next attempt.
    case waiting
    /// It waits for a person.
    case waitingHuman = "waiting_human"
    case success
    case failed
    case cancelled

    /// Whether it is over; such a status never changes.
    public var isTerminal: Bool { self == .success || self == .failed || self == .cancelled }

    /// The word for it wherever it leaves the engine.
    public var description: String { rawValue }
}

extension Value {
    /// The word for a status, as it leaves the engine.
    package init(_ status: RunStatus) { self.init(status.rawValue) }
}
