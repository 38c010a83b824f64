internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Gives what scripts log to those who follow their runs; it is kept nowhere.
final class LogFeed: Sendable {
    private let hub = Mutex<EventHub?>(nil)

    /// Names the hub of the engine, which is there only after the engine.
    func attach(_ hub: EventHub) { self.hub.withLock { $0 = hub } }

    /// Worker's thread; without a hub it does nothing.
    func publish(_ record: LogRecord) {
        guard let hub = hub.withLock({ $0 }) else { return }
        var entries: [(String, Value)] = [("level", Value(record.level.rawValue)), ("message", Value(record.message))]
        if let fields = record.fields { entries.append(("fields", fields)) }
        hub.publish(
            TransientEvent(
                type: "log", workflowID: record.workflow, runID: record.run,
                path: record.path.isEmpty ? nil : record.path, data: Value(entries: entries)))
    }
}
