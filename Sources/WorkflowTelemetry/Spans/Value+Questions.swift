internal import FlatValue

extension Value {
    /// The value without what models were asked by the agents whose outputs and turns stand in it: instructions, prompts, and
    /// questions that name what is wrong with an answer. What models said and tools gave stays.
    var withoutQuestions: Value {
        if let items = array { return Value(array: items.map(\.withoutQuestions)) }
        guard let entries, !entries.isEmpty else { return self }
        let isTurn = self["finish_reason"]?.string != nil && self["message"]?["role"] == "assistant"
        // What a tool gave is a text for the model, also where an agent gave it.
        let isOfTool = self["role"] == "tool"
        let isOutput = self["finish_reason"]?.string != nil && self["turns"]?.int != nil
        return Value(
            entries: entries.compactMap { key, value in
                switch key {
                case "opening" where isTurn, "complaint" where isTurn: nil
                case "messages" where isOutput: (key, value.answersOnly)
                case "content" where isOfTool: (key, value.withoutQuestionsInText)
                default: (key, value.withoutQuestions)
                }
            })
    }

    /// Of a list of messages those that a model was not asked with.
    private var answersOnly: Value {
        Value(
            array: (array ?? []).filter { $0["role"] == "assistant" || $0["role"] == "tool" }.map(\.withoutQuestions))
    }

    private var withoutQuestionsInText: Value {
        guard let text = string, let value = try? Value(json: text), value.entries != nil || value.array != nil else {
            return withoutQuestions
        }
        let rest = value.withoutQuestions
        return rest == value ? self : Value(rest.json)
    }
}
