package import FlatValue
internal import WorkflowCore

/// Messages to runs that another process drives: replies of people, signals, requests to cancel.
///
/// A message lies in the store until its run's owner answers it. An answer "taken" becomes durable together with the entry that
/// the message led to (``JournalBatch/settle(_:)``), so a message is never lost and never taken twice.
package protocol RunInbox: AnyObject, Sendable {
    /// Leaves a message for a run and gives its number; nil if there is no such run or it is over.
    func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64?

    /// What became of a message: nil as long as nobody took it. An answer that was seen is removed.
    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer?

    /// Takes a message back that nobody has answered; false if it is too late.
    func withdraw(_ message: Int64) async throws(JournalError) -> Bool

    /// Calls `deliver` with messages to runs that this journal owns, each once, from the journal's thread, until the
    /// journal closes. Messages that were there when a run was claimed come with the claim instead.
    func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void)

    /// Answers a message to which no entry belongs, such as one that is refused.
    func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError)
}

/// A message to a run.
package struct InboxMessage: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case reply, signal, cancel
        /// The run is to stop, or the one that goes on in its place. Each journal of the store is told, also when the run is over
        /// by then, and the message lies there until it is answered or withdrawn.
        case cancelChain = "cancel_chain"
        /// A reply whose payload is `{ data, by?, key? }`.
        case signedReply = "signed_reply"
        /// A signal whose payload is `{ payload, key }`.
        case keyedSignal = "keyed_signal"
        /// The run may begin; posted by the store's queue.
        case begin
    }

    package struct Content: Sendable, Equatable {
        package var kind: Kind
        /// reply, signed reply: the path of the step · signal, keyed signal: the name of the event · cancel, begin: empty.
        package var target: String
        package var payload: Value

        package init(kind: Kind, target: String, payload: Value) {
            self.kind = kind
            self.target = target
            self.payload = payload
        }
    }

    /// Grows with each message of the store.
    package var number: Int64
    package var run: String
    package var content: Content
    /// In microseconds since 1970.
    package var postedAt: Int64

    package init(number: Int64, run: String, content: Content, postedAt: Int64) {
        self.number = number
        self.run = run
        self.content = content
        self.postedAt = postedAt
    }
}

/// What the owner of a run says to a message.
package enum InboxAnswer: Sendable, Equatable {
    case taken
    /// The message was not acceptable, and the run is as it was.
    case refused(code: String, message: String, details: Value? = nil)

    package static func refused(_ failure: RunFailure) -> InboxAnswer {
        .refused(code: failure.code, message: failure.message, details: failure.details)
    }

    /// What the sender is told; nil where the message was taken.
    package var failure: RunFailure? {
        guard case .refused(let code, let message, let details) = self else { return nil }
        return RunFailure(code: code, message: message, details: details)
    }

    package static let overCode = "run_over"

    /// The answer to a message that a run never took.
    package static var ended: InboxAnswer {
        .refused(code: overCode, message: "the run ended before it took the message")
    }
}
