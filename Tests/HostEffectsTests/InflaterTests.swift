import Compression
import Testing

/// What is packed comes out whole, however it is cut on its way.
struct InflaterTests {
    private func unpack(_ bytes: [UInt8], by step: Int, hasMembers: Bool = true) throws -> [UInt8] {
        let inflater = try Inflater(hasMembers: hasMembers)
        var (text, start) = ([UInt8](), 0)
        while start < bytes.count {
            inflater.feed(Array(bytes[start..<min(start + step, bytes.count)]))
            while let piece = try inflater.next() {
                #expect(!piece.isEmpty && piece.count <= Inflater.pieceSize)
                text += piece
            }
            start += step
        }
        try inflater.finish()
        return text
    }

    @Test(arguments: [1, 7, 20, 1000, 1 << 20])
    func `members that come in parts`(step: Int) throws {
        let parts: [[UInt8]] = [
            Array("hello".utf8), [], Array(repeating: 7, count: 3 * Inflater.pieceSize), Array(0...255),
        ]
        let packed = try parts.flatMap { try #require(gzip($0)) }
        #expect(try unpack(packed, by: step) == parts.flatMap { $0 })
    }

    @Test func `one member where there may be but one`() throws {
        let packed = try #require(gzip([1, 2, 3]))
        #expect(try unpack(packed, by: 5, hasMembers: false) == [1, 2, 3])
        #expect(throws: Inflater.Fault.damaged) { try unpack(packed + packed, by: 5, hasMembers: false) }
    }

    @Test func `every part of a member that is not the whole is damaged`() throws {
        let text = Array("some text, and more of it".utf8)
        let packed = try #require(gzip(text))
        #expect(try unpack([], by: 1) == [])
        for end in 1..<packed.count {
            #expect(throws: Inflater.Fault.damaged) { try unpack(Array(packed[..<end]), by: 9) }
        }
        for place in packed.indices.dropFirst(10) {
            var wrong = packed
            wrong[place] ^= 0x10
            // Some bits only fill a byte up.
            let got = try? unpack(wrong, by: 9)
            #expect(got == nil || got == text, "a wrong byte at \(place) is not seen")
        }
    }
}
