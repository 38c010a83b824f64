package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

extension InboxMessage {
    package var wire: Value {
        [
            "number": Value(number), "run": Value(run), "kind": Value(content.kind.rawValue),
            "target": Value(content.target), "payload": content.payload, "at": Value(postedAt),
        ]
    }

    package init?(wire value: Value) {
        guard let number = value["number"]?.int, let run = value["run"]?.string,
            let kind = value["kind"]?.string.flatMap(Kind.init), let target = value["target"]?.string,
            let payload = value["payload"], let time = value["at"]?.int
        else { return nil }
        self.init(
            number: number, run: run, content: Content(kind: kind, target: target, payload: payload), postedAt: time)
    }
}

extension LogRecord {
    package var wire: Value {
        var entries: [(String, Value)] = [
            ("time", Value(time)), ("level", Value(level.rawValue)), ("message", Value(message)), ("run", Value(run)),
            ("path", Value(path)),
        ]
        if let fields { entries.append(("fields", fields)) }
        if let traceparent { entries.append(("traceparent", Value(traceparent))) }
        return Value(entries: entries)
    }

    /// - Parameter workflow: that of the run, which the host knows.
    package init?(wire value: Value, workflow: String) {
        guard let time = value["time"]?.int, let level = value["level"]?.string.flatMap(Level.init),
            let message = value["message"]?.string, let run = value["run"]?.string, let path = value["path"]?.string
        else { return nil }
        self.init(
            time: time, level: level, message: message, fields: value["fields"], workflow: workflow, run: run,
            path: path)
        traceparent = value["traceparent"]?.string
    }
}
