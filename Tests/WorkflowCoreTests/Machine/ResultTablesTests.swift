import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Tables of results` {
    private func result(_ number: UInt32) -> Slice { Slice(offset: number, length: 1) }

    @Test func `keep their results apart`() {
        var tables = ResultTables()
        let (first, second) = (tables.take(2), tables.take(0))
        tables.set(result(1), in: first, at: 1)
        for number in 0..<20 { tables.append(result(UInt32(number)), to: second) }
        #expect(Array(tables[first]) == [.none, result(1)])
        #expect(Array(tables[second]) == (0..<20).map { result($0) })
    }

    @Test func `are given away again`() {
        var tables = ResultTables()
        let places = (0..<3).map { _ in tables.take(1) }
        tables.release(places[0])
        tables.release(places[2])
        #expect(tables.take(4) == places[2])
        #expect(tables.take(4) == places[0])
        #expect(tables[places[0]].count == 4)
        #expect(tables.take(1) == 3)
    }

    @Test func `have a copy of their own`() {
        var tables = ResultTables()
        let table = tables.take(1)
        let copy = tables.copy()
        tables.set(result(5), in: table, at: 0)
        #expect(Array(copy[table]) == [.none])
        let isSame = copy == tables
        #expect(!isSame)
    }
}
