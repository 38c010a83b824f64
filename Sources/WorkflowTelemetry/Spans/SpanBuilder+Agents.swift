internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Agents: what the models below them used, and what was said in their turns.
extension SpanBuilder {
    /// The agent in which a frame lies, and that lies nearest to it.
    private func agent(around frame: Int32) -> Int32? {
        var above = tracker.parent(of: frame)
        while above >= 0 {
            if let entry = open[above], plan.details[Int(entry.node)].role == .agent { return above }
            above = tracker.parent(of: above)
        }
        return nil
    }

    /// Counts a call for all agents around it.
    mutating func use(_ record: Value, below frame: Int32) {
        let usage = record.withCursor { ModelUsage(of: $0) }
        var place = agent(around: frame)
        while let agent = place {
            open[agent]?.usage += usage
            place = self.agent(around: agent)
        }
    }

    /// The messages that a turn of an agent goes on from; none for calls of other steps.
    ///
    /// - Parameter record: the call, of which the journal has only what is new; nil leaves the conversation as it is.
    mutating func conversation(around frame: Int32, goingOnWith record: Value?) -> Conversation {
        guard let entry = open[frame], plan.details[Int(entry.node)].role == .model, let agent = agent(around: frame)
        else { return Conversation() }
        let before = open[agent]?.conversation ?? Conversation()
        if let new = record?["input"]?.array {
            open[agent]?.conversation.append(new)
            if let output = record?["output"] { open[agent]?.conversation.append([output]) }
        }
        return before
    }
}

/// What was said to a model so far, as far as a span can show it: the messages behind that are not kept.
struct Conversation {
    /// More than the JSON text of a span has, also where secrets in it are replaced by something shorter.
    private static let limit = 4 * RecordedContent.textLimit

    private(set) var messages: [Value] = []
    /// Whether there were more messages.
    private(set) var isCut = false
    private var bytes = 0

    mutating func append(_ new: [Value]) {
        for message in new {
            guard bytes < Self.limit else { return isCut = true }
            messages.append(message)
            bytes += message.byteCount
        }
    }
}
