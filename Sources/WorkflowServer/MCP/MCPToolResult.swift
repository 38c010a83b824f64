internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What a tool's call gives.
enum MCPToolResult {
    /// How a run stands.
    static func run(_ record: RunRecord, _ offers: MCPOffers) -> Value {
        let result = record.result()
        switch record.status {
        case .success:
            let value = result.result ?? .null
            return tool(value.string ?? value.json, value, of: record)
        case .failed, .cancelled:
            let isCancelled = record.status == .cancelled
            let why = isCancelled ? result.cancelReason : result.error?["message"]?.string ?? "it ended"
            let code = result.error?["code"]?.string.map { " (\($0))" } ?? ""
            var text = "Run \(record.id) of \(record.plan.id) \(isCancelled ? "was cancelled" : "failed")"
            text += (why.map { ": " + $0 } ?? "") + code
            if let details = result.error?["details"], !details.isNull { text += "\n" + details.prettyJSON }
            return tool(text, Value?.none, of: record, isError: true)
        default: return waiting(record, result, offers)
        }
    }

    /// A run that is not over.
    private static func waiting(_ record: RunRecord, _ result: RunResult, _ offers: MCPOffers) -> Value {
        var lines = ["Run \(record.id) of \(record.plan.id) is not over (\(result.status))."]
        for pending in result.pending {
            lines.append("Step '\(pending.path)' waits for a person.")
            if let output = pending.output { lines.append("It shows: \(output.json)") }
            if let form = pending.form { lines.append("It asks: \(form.json)") }
            lines.append(offers.howToAnswer(record.id, pending.path))
        }
        if result.pending.isEmpty, record.status == .waiting {
            lines.append("It waits for a signal or for a time.")
        }
        lines.append("The tool '\(MCPTool.runsName)' tells what came of the run.")
        var entries: [(String, Value)] = [
            ("runId", Value(record.id)), ("workflowId", Value(record.plan.id)), ("status", Value(result.status)),
        ]
        if !result.pending.isEmpty {
            let pending = result.pending.map { RunRendering.pending($0, of: record) }
            entries.append(("pending", Value(array: pending)))
        }
        return tool(lines.joined(separator: "\n"), Value(entries: entries), of: record)
    }

    private static func tool(_ text: String, _ value: Value?, of record: RunRecord, isError: Bool = false) -> Value {
        var entries = self.text(text, isError: isError)
        if let value, value.entries != nil { entries.append(("structuredContent", value)) }
        entries.append(("_meta", ["aikit-lua/runId": Value(record.id), "aikit-lua/status": Value(record.statusName)]))
        return Value(entries: entries)
    }

    /// An error that the model is to read.
    static func error(_ message: String) -> Value { Value(entries: text(message, isError: true)) }

    private static func text(_ text: String, isError: Bool) -> [(String, Value)] {
        [("content", [["type": "text", "text": Value(text)]]), ("isError", Value(isError))]
    }
}
