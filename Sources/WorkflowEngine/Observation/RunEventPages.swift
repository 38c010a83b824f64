package import WorkflowCore

/// The events that a run had recorded at one moment, page by page; only one page is held at a time. One task reads it.
package final class RunEventPages {
    /// The run as it stood at that moment.
    package let header: RunHeader
    private let hub: EventHub
    private let cursor: RunCursor

    init(_ header: RunHeader, plan: Plan, after sequence: Int, _ hub: EventHub) {
        self.header = header
        self.hub = hub
        cursor = RunCursor(run: header.id, plan: plan, after: sequence)
    }

    /// The next events; nil behind the last ones.
    package func next() async throws -> [RunEvent]? {
        while cursor.count < header.sequence {
            switch try await cursor.read(hub) {
            case .events(let events):
                let known = events.filter { $0.sequence <= header.sequence }
                if !known.isEmpty { return known }
            case .end, .missing: return nil
            case .moved:
                throw JournalError(
                    code: .otherCode, message: "run \(header.id) has been moved to other code; ask again")
            }
        }
        return nil
    }
}
