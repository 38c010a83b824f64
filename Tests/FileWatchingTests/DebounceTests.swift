internal import Testing

@testable internal import FileWatching

struct DebounceTests {
    /// What a debounce of 30 and 250 answers when it is asked at these times, after changes at others.
    private func answers(changes: [UInt64], asked times: [UInt64]) -> [Bool] {
        var debounce = Debounce(quiet: 30, limit: 250)
        for time in changes { debounce.change(at: time) }
        return times.map { debounce.fire(at: $0) }
    }

    @Test func `nothing fires while nothing changes`() {
        #expect(Debounce().deadline == nil)
        #expect(answers(changes: [], asked: [1000]) == [false])
    }

    @Test func `a burst fires once, when it has been quiet for long enough`() {
        #expect(answers(changes: [100, 120], asked: [149, 150, 1000]) == [false, true, false])
    }

    @Test func `a burst that does not end fires at its limit`() {
        #expect(answers(changes: Array(stride(from: 0, through: 240, by: 20)), asked: [249, 250]) == [false, true])
    }

    @Test func `the next change begins another burst`() {
        var debounce = Debounce(quiet: 30, limit: 250)
        debounce.change(at: 0)
        _ = debounce.fire(at: 30)
        debounce.change(at: 260)
        #expect(debounce.deadline == 290)
    }
}
