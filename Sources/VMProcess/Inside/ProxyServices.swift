internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Files and time zones as the host has them; a worker's thread waits for the answer.
final class ProxyServices: ScriptServices {
    private let line: HostLine
    /// The script that is loaded, whose modules are asked for.
    private let script: Int64
    private let questions: Questions

    init(_ line: HostLine, script: Int64, questions: Questions) {
        self.line = line
        self.script = script
        self.questions = questions
    }

    func find(module name: String) -> ModuleFinding {
        let answer = ask([("script", Value(script)), ("module", Value(name))])
        if let path = answer.header["path"]?.string { return .found(path: path, source: answer.body) }
        if let places = answer.header["places"]?.string { return .missing(places: places) }
        return .failed(answer.header["failure"]?.string ?? "the module cannot be read")
    }

    func offset(ofZone name: String, at time: Int) -> Int? {
        ask([("zone", Value(name)), ("at", Value(Int64(time)))]).header["offset"]?.int.flatMap { Int(exactly: $0) }
    }

    private func ask(_ question: [(String, Value)]) -> WireFrame {
        questions.ask { line.send(WireFrame(.ask, Value(entries: [("question", Value($0))] + question))) }
    }
}

/// Questions to the host whose askers wait.
final class Questions: Sendable {
    private let state = Mutex<(last: Int64, waiting: [Int64: Inbox<WireFrame>])>((0, [:]))

    /// Sends a question by its number and waits for the answer.
    func ask(_ send: (Int64) -> Void) -> WireFrame {
        let inbox = Inbox<WireFrame>()
        let number = state.withLock { state in
            state.last += 1
            state.waiting[state.last] = inbox
            return state.last
        }
        send(number)
        var answers: [WireFrame] = []
        while answers.isEmpty { inbox.take(into: &answers, waiting: nil) }
        return answers[0]
    }

    func told(_ answer: WireFrame) {
        guard let number = answer.header["question"]?.int else { return }
        state.withLock { $0.waiting.removeValue(forKey: number) }?.post(answer)
    }
}
