internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// Redacts the pieces of an answer while it is made, also where a secret is spread over several of them.
///
/// The end of a piece that may be the beginning of a secret is held back until the next piece of the same text, or the end.
/// One call at a time; any thread.
final class DeltaRedactor: Sendable {
    /// What is held back of one text.
    private struct Held {
        var kind: String
        var index: Int64
        var text: [UInt8]
    }

    private let redactor: Redactor
    private let held = Mutex<[Held]>([])
    private let stream: @Sendable (Value) -> Void

    /// - Parameter stream: gets the redacted pieces.
    init(_ redactor: Redactor, _ stream: @escaping @Sendable (Value) -> Void) {
        self.redactor = redactor
        self.stream = stream
    }

    /// Takes the next piece, as ``ModelDelta/value`` has it.
    func take(_ delta: Value) {
        guard let kind = delta["kind"]?.string, kind != ModelDelta.Kind.restart.rawValue else {
            held.withLock { $0 = [] }
            return stream(redactor.redact(error: delta))
        }
        let (index, text) = (delta["index"]?.int ?? 1, delta["text"]?.string ?? "")
        let ready: [UInt8] = held.withLock { held in
            let place = held.firstIndex { $0.kind == kind && $0.index == index }
            var bytes = place.map { held.remove(at: $0).text } ?? []
            bytes += text.utf8
            let open = redactor.openEnd(of: bytes)
            if open > 0 { held.append(Held(kind: kind, index: index, text: bytes.suffix(open))) }
            return bytes.dropLast(open)
        }
        if ready.isEmpty, !text.isEmpty { return }
        give(kind, index, ready)
    }

    /// Gives out what is held back: the answer is complete, and no secret can follow.
    func end() {
        let rest = held.withLock { held in
            defer { held = [] }
            return held
        }
        for held in rest { give(held.kind, held.index, held.text) }
    }

    private func give(_ kind: String, _ index: Int64, _ text: [UInt8]) {
        stream(
            [
                "kind": Value(kind), "text": Value(String(decoding: redactor.redact(text), as: UTF8.self)),
                "index": Value(index),
            ])
    }
}
