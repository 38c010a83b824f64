internal import FlatValue

/// Up to when each process has sent the spans of its runs, as a store keeps it: a process that dies leaves its mark there, and
/// another one sends what came after it.
struct UnsentMarks: Equatable {
    struct Mark: Equatable {
        /// Spans that ended before have been sent, or given up; microseconds since 1970.
        var sentUntil: Int64
        /// When the process last told; microseconds since 1970.
        var toldAt: Int64
    }

    /// The longest time between two marks of a process, in microseconds.
    static let heartbeat: Int64 = 60_000_000
    /// How long a process may be silent before it counts as gone.
    private static let silence = 5 * heartbeat / 2
    /// How far clocks of processes may differ, and entries be told late.
    static let tolerance: Int64 = 2_000_000
    /// What is older is nobody's any more.
    static let lifetime: Int64 = 86_400_000_000
    /// Of so many processes marks are kept, those that told last.
    private static let limit = 100

    private(set) var marks: [ExportProcess: Mark] = [:]

    init() {}

    /// Reads what ``value`` gives; what is nothing of that kind is left out.
    init(_ value: Value?) {
        for entry in value?.array ?? [] {
            guard let name = entry["process"]?.string, let process = ExportProcess(name),
                let sentUntil = entry["sentUntil"]?.int, let toldAt = entry["toldAt"]?.int,
                0 <= sentUntil, sentUntil < Self.latest, 0 <= toldAt, toldAt < Self.latest
            else { continue }
            marks[process] = Mark(sentUntil: sentUntil, toldAt: toldAt)
        }
    }

    /// Times have room for all that is added to them.
    private static let latest = Int64.max / 4

    var value: Value {
        let newest = marks.sorted { ($0.value.toldAt, $0.key.name) > ($1.value.toldAt, $1.key.name) }.prefix(Self.limit)
        return Value(
            array: newest.map { process, mark in
                [
                    "process": Value(process.name), "sentUntil": Value(mark.sentUntil), "toldAt": Value(mark.toldAt),
                ]
            })
    }

    /// - Parameter mark: nil for a process that has nothing left to send.
    mutating func set(_ process: ExportProcess, _ mark: Mark?) { marks[process] = mark }

    /// Leaves out what is too old at a time.
    mutating func forget(at now: Int64) { marks = marks.filter { $0.value.toldAt > now - Self.lifetime } }

    /// The processes that are gone.
    ///
    /// - Parameters:
    ///   - now: microseconds since 1970.
    ///   - isAlive: whether a process runs; nil where that is not to be known, and its silence says it.
    func gone(besides own: ExportProcess, at now: Int64, isAlive: (ExportProcess) -> Bool?) -> Set<ExportProcess> {
        let gone = marks.filter { process, mark in
            process != own && !(isAlive(process) ?? (mark.toldAt > now - Self.silence))
        }
        return Set(gone.keys)
    }

    /// When spans of some processes may have ended that were not sent, in microseconds since 1970; in order, and apart.
    func windows(of processes: Set<ExportProcess>) -> [ClosedRange<Int64>] {
        let all = processes.compactMap { marks[$0] }.map { mark in
            mark.sentUntil...max(mark.sentUntil, mark.toldAt + 2 * Self.heartbeat)
        }
        var windows: [ClosedRange<Int64>] = []
        for window in all.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = windows.last, window.lowerBound <= last.upperBound {
                windows[windows.count - 1] = last.lowerBound...max(last.upperBound, window.upperBound)
            } else {
                windows.append(window)
            }
        }
        return windows
    }
}
