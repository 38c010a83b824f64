/// What a process has taken over to send, and up to where each endpoint has it.
///
/// Endpoints have names, and are numbered from 0. An endpoint is sent a debt from the newest run to the oldest, and again from the
/// last place that it has come to where that fails.
struct UnsentLedger {
    /// What is to be sent to one endpoint.
    struct Due: Equatable {
        var debt: Int
        var endpoint: Int
        var times: ClosedRange<Int64>
        /// As ``UnsentDebt/since``.
        var since: Int64
        var from: Position
    }

    /// How far one endpoint has come.
    struct Position: Equatable {
        var place: UnsentDebt.Place?
        /// How many runs have been begun; the same number is the same run for all endpoints.
        var runs = 0

        static let start = Position()

        /// Whether it lies before another one of the same debt.
        fileprivate func precedes(_ other: Position) -> Bool {
            (runs, place?.entries ?? 0) < (other.runs, other.place?.entries ?? 0)
        }
    }

    /// What is reached when something has been sent.
    enum Goal: Equatable {
        case position(Position)
        case end
    }

    private struct Account {
        let number: Int
        let times: ClosedRange<Int64>
        let since: Int64
        var endpoints: [Progress]
    }

    private struct Progress {
        var position: Position
        var isPaid = false
        /// In the order in which they were offered.
        var underWay: [(delivery: Delivery, goal: Goal)] = []

        /// Goes on to the last goal up to which all has been sent; whether it is another one. Where something failed nothing is
        /// under way any more once something is known of all.
        mutating func settle() -> Bool {
            let isChanged = advance()
            if underWay.allSatisfy({ $0.delivery.outcome != nil }) { underWay = [] }
            return isChanged
        }

        private mutating func advance() -> Bool {
            let sent = underWay.prefix { $0.delivery.outcome == .sent }
            guard let last = sent.last else { return false }
            underWay.removeFirst(sent.count)
            switch last.goal {
            case .position(let position): self.position = position
            case .end: isPaid = true
            }
            return true
        }
    }

    private let names: [String]
    private var accounts: [Account] = []
    private var last = 0

    init(endpoints: [String]) { names = endpoints }

    /// What has not been sent to each endpoint, as far as ``settle()`` has seen.
    var debts: [UnsentDebt] {
        accounts.compactMap { account in
            let open = zip(names, account.endpoints).filter { !$1.isPaid }
            guard let first = open.first?.1.position else { return nil }
            let least = open.dropFirst().map(\.1.position).reduce(first) { $1.precedes($0) ? $1 : $0 }
            return UnsentDebt(
                times: account.times, sent: least.place, endpoints: Set(open.map(\.0)), since: account.since)
        }
    }

    /// Takes on what of some debts is owed to the endpoints here.
    mutating func add(_ debts: [UnsentDebt]) {
        for debt in debts.compactMap({ $0.owed(to: Set(names)) }) where !self.debts.contains(debt) {
            last += 1
            let endpoints = names.map { name in
                Progress(
                    position: Position(place: debt.sent), isPaid: debt.endpoints.map { !$0.contains(name) } ?? false)
            }
            accounts.append(Account(number: last, times: debt.times, since: debt.since, endpoints: endpoints))
        }
    }

    /// What each endpoint is to be sent now: what nothing is under way of.
    var due: [Due] {
        accounts.flatMap { account in
            account.endpoints.enumerated().filter { !$1.isPaid && $1.underWay.isEmpty }.map { endpoint, progress in
                Due(
                    debt: account.number, endpoint: endpoint, times: account.times, since: account.since,
                    from: progress.position)
            }
        }
    }

    /// Something of what is due is under way, behind what was before.
    mutating func note(_ delivery: Delivery, of due: Due, reaching goal: Goal) {
        guard let place = accounts.firstIndex(where: { $0.number == due.debt }) else { return }
        accounts[place].endpoints[due.endpoint].underWay.append((delivery, goal))
    }

    /// Gives up what a condition says.
    mutating func forget(where isForgotten: (UnsentDebt) -> Bool) {
        accounts.removeAll { isForgotten(UnsentDebt(times: $0.times)) }
    }

    /// Looks at what has become of what is under way; whether ``debts`` are others now.
    mutating func settle() -> Bool {
        var isChanged = false
        for place in accounts.indices {
            for endpoint in accounts[place].endpoints.indices where accounts[place].endpoints[endpoint].settle() {
                isChanged = true
            }
        }
        accounts.removeAll { $0.endpoints.allSatisfy(\.isPaid) }
        return isChanged
    }
}
