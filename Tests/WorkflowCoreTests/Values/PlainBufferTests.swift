import Testing

@testable import WorkflowCore

@Suite struct `A row of plain values` {
    @Test func `keeps what was appended while it grows`() {
        var row = PlainBuffer<Int>()
        for number in 0..<1000 { row.append(number) }
        #expect(row.count == 1000)
        #expect(row.elements.elementsEqual(0..<1000))
        row[500] = -1
        #expect(row[500] == -1)
    }

    @Test func `closes the gap of what is removed`() {
        var row = PlainBuffer([1, 2, 3, 4])
        row.remove(at: 3)
        row.remove(at: 0)
        #expect(Array(row.elements) == [2, 3])
    }

    @Test func `holds no more memory than it needs once it is trimmed`() {
        var row = PlainBuffer([1, 2, 3, 4, 5])
        row.append(6)
        row.trim()
        #expect(row.allocatedBytes == 6 * MemoryLayout<Int>.stride)
        #expect(Array(row.elements) == [1, 2, 3, 4, 5, 6])
        row.removeAll()
        row.trim()
        #expect(row.allocatedBytes == 0)
        row.append(7)
        #expect(Array(row.elements) == [7])
    }

    @Test func `has a copy of its own`() {
        var row = PlainBuffer([1, 2])
        let copy = row.copy()
        row[0] = 9
        #expect(Array(copy.elements) == [1, 2])
        let isSame = row == copy
        #expect(!isSame)
    }

    @Test func `ends the process at an index outside of it`() async {
        await #expect(processExitsWith: .failure) {
            let row = PlainBuffer([1, 2])
            _ = row[2]
        }
    }
}

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
