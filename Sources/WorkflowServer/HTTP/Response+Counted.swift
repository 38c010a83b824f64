internal import Hummingbird

extension Response {
    /// From how many bytes on an answer counts.
    static let countedLength = 256 << 10

    /// This answer with its body, where it is a large one, counted in a budget until its client has taken all but the last of it; nil
    /// where there is no room for it.
    func counted(in budget: BodyBudget) -> Response? {
        guard let length = body.contentLength, length >= Self.countedLength else { return self }
        // One that is larger than all of them may wait alone.
        let count = min(length, budget.limit)
        guard budget.take(count) else { return nil }
        let (share, body) = (Share(of: budget, count), body)
        var response = self
        response.body = ResponseBody(contentLength: length) { writer in
            defer { withExtendedLifetime(share) {} }
            // Its end is written once the connection takes more.
            try await body.write(writer)
        }
        return response
    }

    private final class Share: Sendable {
        private let budget: BodyBudget
        private let count: Int

        init(of budget: BodyBudget, _ count: Int) { (self.budget, self.count) = (budget, count) }

        deinit { budget.give(count) }
    }
}
