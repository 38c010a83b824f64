import Testing

@testable import FlatValue

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
