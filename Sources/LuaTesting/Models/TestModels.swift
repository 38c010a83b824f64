internal import FlatValue
internal import HostEffects
internal import WorkflowCore
internal import WorkflowEngine

/// Models as the steps under test see them: they answer what the test says, and nothing else.
///
/// It belongs to the worker's thread.
final class TestModels {
    private let clock: any EngineClock
    private let path: String
    private let records: Bool
    private var entries: [Entry] = []
    private var made: [Value] = []

    private struct Entry {
        /// The name of the model; nil for all.
        let model: String?
        /// What answers every call, by its slot.
        let slot: Int64?
        /// What answers one call after the other: `{ answer }` or `{ slot }` each.
        var answers: [Value]
        /// What answers by what was recorded.
        var cassette: CallCassette?
    }

    /// - Parameters:
    ///   - path: the test file.
    ///   - records: whether models that have a cassette are really called, and their answers kept.
    init(clock: any EngineClock, path: String, records: Bool) {
        self.clock = clock
        self.path = path
        self.records = records
    }

    func beginTest() {
        entries = []
        made = []
    }

    /// Takes a list of `{ model?, slot | answers | cassette }`, which takes the place of the one before.
    func script(_ list: Value) -> HostAnswer {
        made = []
        do throws(CassetteError) {
            entries = try (list.array ?? []).map { entry throws(CassetteError) in
                var cassette: CallCassette?
                if let name = entry["cassette"]?.string {
                    cassette = try CallCassette(name, of: .model, beside: path, records: records)
                }
                return Entry(
                    model: entry["model"]?.string, slot: entry["slot"]?.int, answers: entry["answers"]?.array ?? [],
                    cassette: cassette)
            }
            return .success(.null)
        } catch {
            return error.answer
        }
    }

    /// The cassette that a call is to be recorded in; nil where it is answered here.
    func recording(_ payload: Value) -> CallCassette? {
        guard records, let place = place(of: payload) else { return nil }
        if entries[place].cassette != nil { made.append(ScriptedModel.request(payload)) }
        return entries[place].cassette
    }

    private func place(of payload: Value) -> Int? {
        let name = payload["model"]?["name"]?.string ?? ""
        return entries.firstIndex { $0.model == name } ?? entries.firstIndex { $0.model == nil }
    }

    /// The calls of this test.
    var requests: Value { Value(array: made) }

    /// - Parameter call: calls a function of the test with a request.
    func answer(_ payload: Value, stream: ((Value) -> Void)?, call: (Int64, Value) -> HostAnswer?) -> HostAnswer {
        let request = ScriptedModel.request(payload)
        made.append(request)
        let name = payload["model"]?["name"]?.string ?? ""
        guard let place = place(of: payload) else {
            return unexpected("no test.model answers the model \(name); write test.model { { text = \"…\" } }")
        }
        if let cassette = entries[place].cassette {
            switch cassette.next(for: payload) {
            case .success(let recorded):
                return ScriptedModel.answer(payload, with: recorded, at: clock.now() / 1000, stream: stream)
            case .failure(let error): return error.answer
            }
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
