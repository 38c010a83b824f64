import Testing

@testable import WorkflowTelemetry

@Suite("What is owed to endpoints") struct UnsentLedgerTests {
    private func ledger(_ endpoints: Int = 1, _ debts: [UnsentDebt] = [UnsentDebt(times: 1...9)]) -> UnsentLedger {
        var ledger = UnsentLedger(endpoints: Array(Self.names.prefix(endpoints)))
        ledger.add(debts)
        return ledger
    }

    private static let names = ["one", "two", "three"]

    /// What is owed to some of the endpoints.
    private func owed(
        _ times: ClosedRange<Int64> = 1...9, _ sent: UnsentDebt.Place? = nil, to names: [String] = ["one"]
    ) -> UnsentDebt {
        UnsentDebt(times: times, sent: sent, endpoints: Set(names))
    }

    private func place(_ run: String, _ entries: Int) -> UnsentDebt.Place {
        UnsentDebt.Place(run: run, entries: entries)
    }

    private func goal(_ run: String, _ entries: Int, _ runs: Int) -> UnsentLedger.Goal {
        .position(UnsentLedger.Position(place: place(run, entries), runs: runs))
    }

    /// One that is under way.
    private func delivery() -> Delivery {
        let delivery = Delivery()
        delivery.begin()
        return delivery
    }

    @Test func `what is under way is not due, and counts once it has been sent`() throws {
        var ledger = ledger()
        let due = try #require(ledger.due.first)
        #expect(ledger.due.count == 1 && due.from == .start)
        let (first, second) = (delivery(), delivery())
        ledger.note(first, of: due, reaching: goal("b", 4, 1))
        ledger.note(second, of: due, reaching: goal("a", 3, 2))
        ledger.note(Delivery(), of: due, reaching: .end)
        // What comes later has been sent before it.
        second.settle(isSent: true)
        let isEarly = ledger.settle()
        #expect(!isEarly && ledger.due == [] && ledger.debts == [owed()])
        first.settle(isSent: true)
        let isChanged = ledger.settle()
        #expect(isChanged && ledger.due == [] && ledger.debts == [])
    }

    @Test func `what fails is due again from the last place before, once nothing is under way`() throws {
        var ledger = ledger()
        let due = try #require(ledger.due.first)
        let deliveries = (0..<3).map { _ in delivery() }
        for (index, delivery) in deliveries.enumerated() {
            ledger.note(delivery, of: due, reaching: goal("r", index + 1, 1))
        }
        deliveries[0].settle(isSent: true)
        deliveries[1].settle(isSent: false)
        let isChanged = ledger.settle()
        #expect(isChanged && ledger.due == [])
        deliveries[2].settle(isSent: true)
        let isChangedAgain = ledger.settle()
        #expect(!isChangedAgain)
        #expect(ledger.due.map(\.from.place) == [place("r", 1)])
        #expect(ledger.debts == [owed(1...9, place("r", 1))])
    }

    @Test func `what is kept is the place of the endpoint that is farthest behind, until all have all of it`() throws {
        var ledger = ledger(3)
        let due = ledger.due
        try #require(due.map(\.endpoint) == [0, 1, 2])
        ledger.note(Delivery(), of: due[0], reaching: .end)
        ledger.note(Delivery(), of: due[1], reaching: goal("a", 1, 2))
        ledger.note(Delivery(), of: due[2], reaching: goal("b", 7, 1))
        let isChanged = ledger.settle()
        #expect(isChanged && ledger.due.map(\.endpoint) == [1, 2])
        #expect(ledger.debts == [owed(1...9, place("b", 7), to: ["two", "three"])])
        for due in ledger.due { ledger.note(Delivery(), of: due, reaching: .end) }
        let isPaid = ledger.settle()
        #expect(isPaid && ledger.debts == [])
    }

    @Test func `the same is owed once, and not for ever`() {
        var ledger = ledger(1, [UnsentDebt(times: 1...9), UnsentDebt(times: 1...9), UnsentDebt(times: 20...30)])
        #expect(ledger.debts == [owed(), owed(20...30)])
        ledger.forget { $0.times.upperBound < 10 }
        #expect(ledger.debts == [owed(20...30)])
    }

    @Test func `what is owed to others is not taken on, and known debts are not taken on again`() {
        var ledger = ledger(2, [owed(1...9, to: ["three"])])
        #expect(ledger.due == [] && ledger.debts == [])
        ledger.add([owed(1...9, place("r", 1), to: ["two", "three"])])
        #expect(ledger.due.map(\.endpoint) == [1])
        #expect(ledger.debts == [owed(1...9, place("r", 1), to: ["two"])])
        ledger.add([owed(1...9, place("r", 1), to: ["two", "three"])])
        #expect(ledger.due.count == 1)
        let debt = owed(1...9, to: ["one", "four"])
        #expect(debt.owed(toOthersThan: ["one", "two"]) == owed(1...9, to: ["four"]))
        #expect(debt.owed(toOthersThan: ["one", "four"]) == nil)
        #expect(UnsentDebt(times: 1...9).owed(toOthersThan: ["one"]) == nil)
    }
}
