internal import HostEffects
internal import WorkflowCore
internal import WorkflowEngine

/// Models as the steps under test see them: they answer what the test says, and nothing else.
///
/// It belongs to the worker's thread.
final class TestModels {
    private let clock: any EngineClock
    private var entries: [Entry] = []
    private var made: [Value] = []

    private struct Entry {
        /// The name of the model; nil for all.
        let model: String?
        /// What answers every call, by its slot.
        let slot: Int64?
        /// What answers one call after the other: `{ answer }` or `{ slot }` each.
        var answers: [Value]
    }

    init(clock: any EngineClock) { self.clock = clock }

    func beginTest() {
        entries = []
        made = []
    }

    /// Takes a list of `{ model?, slot | answers }`, which takes the place of the one before.
    func script(_ list: Value) {
        made = []
        entries = (list.array ?? []).map { entry in
            Entry(model: entry["model"]?.string, slot: entry["slot"]?.int, answers: entry["answers"]?.array ?? [])
        }
    }

    /// The calls of this test.
    var requests: Value { Value(array: made) }

    /// - Parameter call: calls a function of the test with a request.
    func answer(_ payload: Value, stream: ((Value) -> Void)?, call: (Int64, Value) -> HostAnswer?) -> HostAnswer {
        let request = ScriptedModel.request(payload)
        made.append(request)
        let name = payload["model"]?["name"]?.string ?? ""
        let place = entries.firstIndex { $0.model == name } ?? entries.firstIndex { $0.model == nil }
        guard let place else {
            return unexpected("no test.model answers the model \(name); write test.model { { text = \"…\" } }")
        }
        let scripted: Value
        if let slot = entries[place].slot {
            scripted = ["slot": Value(slot)]
        } else if entries[place].answers.isEmpty {
            return unexpected("all answers of test.model have been given; this is one more call of \(name)")
        } else {
            scripted = entries[place].answers.removeFirst()
        }
        var given = scripted["answer"] ?? .emptyObject
        if let slot = scripted["slot"]?.int {
            guard let result = call(slot, request) else { return unexpected("the test is over") }
            guard result.ok else { return result }
            given = result.value
        }
        return ScriptedModel.answer(payload, with: given, at: clock.now() / 1000, stream: stream)
    }

    private func unexpected(_ message: String) -> HostAnswer {
        .failure(code: "unexpected_call", message: message, retryable: false)
    }
}
