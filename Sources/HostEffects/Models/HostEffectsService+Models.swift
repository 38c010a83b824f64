internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension HostEffectsService {
    /// Calls a model, which its own permission allows, or that for its host.
    func beginModel(
        _ asked: HostCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let payload = asked.payload
        do throws(HostFailure) {
            let call = try ModelCall(payload)
            let url = try WebAddress(call.settings.baseURL)
            guard permissions.allowsModel(call.settings.name) || permissions.allowsNet(host: url.host, port: url.port)
            else {
                throw HostFailure.denied(
                    "calling the model \(call.settings.name)", flag: "--allow-model=\(call.settings.name)")
            }
            let cache = try ModelCache(call, payload, self.cache)
            let service = ModelService(http: service(), limits: limits)
            let (secrets, permissions, redactor) = (secrets, permissions, redactor)
            // The script chooses where a model is served: a key goes there if somebody named the place, or the key.
            let isNamed = call.settings.isAtProvider || namesHost(url)
            let deltas = asked.stream.map { DeltaRedactor(redactor, $0) }
            return TaskOperation(
                on: .exchanges, answer: answer,
                answering: {
                    if let kept = await cache?.answer() {
                        if call.isStreamed, let text = kept["text"]?.string {
                            deltas?.take(ModelDelta(kind: .text, text: text, index: 1).value)
                            deltas?.end()
                        }
                        var answer = HostAnswer.success(kept)
                        answer.usage = CallTrace.record(ofCached: kept, call)
                        return answer
                    }
                    let result = try await service.perform(
                        call,
                        prepare: { request throws(HostFailure) in
                            try request.fill(secrets, for: permissions, isNamed: isNamed)
                        }, stream: deltas.map { deltas in { @Sendable in deltas.take($0) } })
                    // What a failed call holds back may be the beginning of a secret that was cut.
                    if result.ok { deltas?.end() }
                    if result.ok { await cache?.keep(redactor.redact(result.value)) }
                    return result
                })
        } catch {
            answer(error.answer)
            return nil
        }
    }

    private func namesHost(_ url: WebAddress) -> Bool {
        permissions.namesHosts && permissions.allowsNet(host: url.host, port: url.port)
    }
}
