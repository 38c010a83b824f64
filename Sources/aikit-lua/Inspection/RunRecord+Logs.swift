internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension RunRecord {
    /// What the steps of the run logged, in order, without what schemas call secret.
    var logs: [LogRecord] {
        let redaction = redaction
        var renderer = EventRenderer(plan: plan, runID: id)
        return (0..<log.count).compactMap { index in
            guard log[index].kind == .log else {
                renderer.skip(log[index], log: log)
                return nil
            }
            guard let event = renderer.render(log[index], log: log), let data = event.data else { return nil }
            return LogRecord(
                time: log[index].time, level: LogRecord.Level(rawValue: data["level"]?.string ?? "") ?? .info,
                message: redaction.redact(data["message"]?.string ?? ""),
                fields: data["fields"].map { redaction.redact($0) }, workflow: plan.id, run: id,
                path: event.path ?? "")
        }
    }
}

extension LogRecord {
    /// `{ timestamp, path, level, message, fields? }` with the time in milliseconds since 1970.
    var value: Value {
        let entries: [(String, Value)] = [
            ("timestamp", Value(time / 1000)), ("path", Value(path)), ("level", Value(level.rawValue)),
            ("message", Value(message)),
        ]
        return Value(entries: entries + (fields.map { [("fields", $0)] } ?? []))
    }
}
