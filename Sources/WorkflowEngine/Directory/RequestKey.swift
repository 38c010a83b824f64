internal import FlatValue
package import WorkflowCore

/// By what a request to a run is known again, so that one that is sent twice counts once.
///
/// The run's journal keeps it with what the request led to, so it holds after a crash, and whoever drives the run.
package struct RequestKey: Sendable, Equatable {
    /// What the sender calls the request.
    package let name: String
    /// Of what is asked.
    package let digest: String

    /// - Parameter request: what is asked, as texts.
    package init(_ name: String, of request: String...) {
        self.name = name
        var fingerprint = Fingerprint()
        for text in request { fingerprint.add(text) }
        digest = fingerprint.text
    }

    /// Reads what ``text`` gave; nil for other text.
    package init?(_ text: String) {
        guard let mark = text.lastIndex(of: ":") else { return nil }
        name = String(text[..<mark])
        digest = String(text[text.index(after: mark)...])
    }

    /// As the journal keeps it, under `key`.
    package var text: String { "\(name):\(digest)" }

    /// Whether a run has taken the request.
    ///
    /// - Throws: ``RunFailure`` with the code `other_request` when it has taken another one of that name.
    package func isRecorded(in log: RunLog) throws(RunFailure) -> Bool {
        for index in 0..<log.count where Self.kinds.contains(log[index].kind) {
            if try isSame(as: log.value(log[index].payload)["key"]?.string) { return true }
        }
        return false
    }

    /// The same of a run as a store has it, whose plan is not needed.
    package func isRecorded(in stored: StoredRun) throws(RunFailure) -> Bool {
        for payload in stored.payloads(of: Self.kinds) {
            if try isSame(as: payload["key"]?.string) { return true }
        }
        return false
    }

    /// What records a request with its key.
    private static let kinds: Set<EventKind> = [.signalReceived, .answerSigned]

    private func isSame(as text: String?) throws(RunFailure) -> Bool {
        guard let known = text.flatMap({ RequestKey($0) }), known.name == name else { return false }
        if known.digest == digest { return true }
        throw RunFailure(code: "other_request", message: "the key was used before, for another request to the run")
    }
}
