import TestInputs
import Testing

@testable import FlatValue

@Suite struct `Checking bytes from outside` {
    @Test(
        arguments: [
            ([], "the value ends early"), ([9], "unknown tag 9"), ([3, 1, 2], "the value ends early"),
            ([0, 0], "bytes after the value"),
            ([5, 9, 0, 0, 0, 0x61], "the value ends early"),
            ([4, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F], "a number that is not finite"),
            ([6, 1, 0, 0, 0, 0, 0, 0, 0], "the value ends early"),
            ([6, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0], "a container shorter than it says"),
            ([6, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0], "a container longer than it says"),
            ([7, 2, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "a key comes twice"),
            ([7, 1, 0, 0, 0, 5, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0], "the value ends early"),
        ] as [([UInt8], String)])
    func `bytes that are not one value are refused`(bytes: [UInt8], message: String) {
        do {
            _ = try Value(validating: bytes)
            Issue.record("\(bytes) was taken")
        } catch { #expect(error.message == message) }
    }

    @Test func `a value cut or changed anywhere never reads out of bounds`() {
        var random = SplitMix(seed: 3)
        for _ in 0..<300 {
            let bytes = Value.random(depth: 3, using: &random).withBytes { Array($0) }
            for length in 0..<min(bytes.count, 200) {
                #expect(throws: MalformedValue.self) { try Value(validating: Array(bytes[..<length])) }
            }
            for _ in 0..<50 {
                var changed = bytes
                changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                if let value = try? Value(validating: changed) { _ = value.json }
            }
        }
    }

    @Test func `depth is capped`() {
        func nested(_ depth: Int) -> [UInt8] {
            (0..<depth).reduce(into: [UInt8]([6, 0, 0, 0, 0, 0, 0, 0, 0])) { inner, _ in
                var length = UInt32(inner.count)
                inner = [6, 1, 0, 0, 0] + withUnsafeBytes(of: &length) { Array($0) } + inner
            }
        }
        #expect(throws: Never.self) { try Value(validating: nested(127)) }
        #expect(throws: MalformedValue.self) { try Value(validating: nested(128)) }
    }
}
