internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Answers that scripts read while they come: `http.open`, `http.read`, `http.close`.
extension HostEffectsService {
    /// Answers with the head of the answer and the number of the stream: `{ status, headers, url, retry_after?, stream }`.
    func openStream(
        _ asked: HostCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let payload = asked.payload
        do throws(HostFailure) {
            let call = try allowed(HTTPCall(payload, isStream: true))
            let stream = HTTPStream(redactor)
            let entry = OpenStreams.Entry(stream: stream, call: call, owner: OpenStreams.Owner(asked))
            let (service, streams) = (service(), streams)
            let number = streams.add(entry)
            let opening = TaskOperation(on: .exchanges, answer: Self.tracing(payload, answer)) {
                do {
                    let head = try await service.open(call, into: stream)
                    let entries = (head.entries ?? []).map { ($0.key, $0.value) }
                    return Value(entries: entries.filter { $0.0 != "body" } + [("stream", Value(number))])
                } catch {
                    streams.remove(number)
                    stream.close()
                    throw error
                }
            }
            return StreamOperation(opening: opening) {
                streams.remove(number)
                stream.close()
            }
        } catch {
            answer(error.answer)
            return nil
        }
    }

    /// Answers `{ data }` with what has come, or `{ done = true }` at the end.
    func readStream(
        _ call: HostCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let (number, streams) = (call.payload["stream"]?.int ?? 0, streams)
        guard let entry = streams.entry(number, for: OpenStreams.Owner(call)) else {
            answer(
                HostFailure(
                    "stream_closed", "the answer has been closed: it is read by the attempt that asked for it",
                    retryable: false
                ).answer)
            return nil
        }
        let service = service()
        return TaskOperation(on: .exchanges, answer: answer) {
            do {
                if let bytes = try await service.read(entry.stream, of: entry.call) {
                    return ["data": Value { arena in bytes.withUnsafeBytes { arena.writeString($0) } }]
                }
                streams.remove(number)
                return ["done": true]
            } catch {
                streams.remove(number)
                throw error
            }
        }
    }

    func closeStream(_ call: HostCall, _ answer: (HostAnswer) -> Void) {
        let number = call.payload["stream"]?.int ?? 0
        if let entry = streams.entry(number, for: OpenStreams.Owner(call)) {
            streams.remove(number)
            entry.stream.close()
        }
        answer(.success(.null))
    }
}

/// A stream that stays open after the head of its answer was given.
private struct StreamOperation: HostOperation {
    let opening: TaskOperation
    let close: @Sendable () -> Void

    var outlivesAnswer: Bool { true }

    func cancel() {
        opening.cancel()
        close()
    }
}
