import FlatValue
import Testing
import WorkflowCore

@testable import VMProcess

/// The run machine has frames, too.
private typealias WireFrame = VMProcess.WireFrame

@Suite struct FrameTests {
    /// What follows the length of a frame on the socket.
    private func content(_ frame: WireFrame) -> [UInt8] { Array(frame.encoded.dropFirst(4)) }

    @Test func `a frame comes out as it went in`() throws {
        for kind in WireFrame.Kind.allCases {
            let frame = WireFrame(kind, ["run": "r", "list": [1, 2.5, .null]], body: [1, 2, 3])
            #expect(try WireFrame(decoding: content(frame)) == frame)
        }
    }

    @Test func `what is cut off, too long or of no kind is refused`() {
        let bytes = content(WireFrame(.log, ["message": "a line"], body: [7]))
        for count in 0..<bytes.count - 1 {
            #expect(throws: FrameFault.self) { try WireFrame(decoding: Array(bytes.prefix(count))) }
        }
        var other = bytes
        other[0] = 200
        #expect(throws: FrameFault.self) { try WireFrame(decoding: other) }
        other = bytes
        other[4] = 0xFF
        #expect(throws: FrameFault.self) { try WireFrame(decoding: other) }
    }

    @Test func `no bytes at all end the process that reads them`() {
        var random = SystemRandomNumberGenerator()
        let sound = content(
            WireFrame(
                .batch,
                [
                    "batch": 1, "entries": [["r", 0, 0, 32, 32, 4]], "settlements": [[0, 1]],
                    "answers": [[2], [3, "code", "text"]],
                ], body: [UInt8](repeating: 1, count: 36)))
        for _ in 0..<20_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            guard let frame = try? WireFrame(decoding: bytes), let batch = try? WireBatch(frame) else { continue }
            for entry in batch.entries {
                #expect(entry.events.upperBound <= frame.body.count && entry.arena.upperBound <= frame.body.count)
            }
        }
    }

    @Test func `a batch whose entries lie outside of it is refused`() throws {
        func batch(_ entry: Value, settlements: Value = [], answers: Value = []) throws -> WireBatch {
            try WireBatch(
                WireFrame(
                    .batch, ["batch": 1, "entries": [entry], "settlements": settlements, "answers": answers],
                    body: [UInt8](repeating: 0, count: 64)))
        }
        #expect(try batch(["r", 3, 0, 32, 32, 32]).entries[0].sequence == 3)
        for entry: Value in [
            ["r", 0, 0, 96, 0, 0], ["r", 0, 64, 32, 0, 0], ["r", 0, 0, 31, 0, 0], ["r", -1, 0, 32, 0, 0],
            ["r", 0, 0, 32, 0, 65], ["r", 0, .init(Int64.max), 32, 0, 0], [1, 0, 0, 32, 0, 0], ["r", 0, 0, 32], "r",
            ["r", 0, 0, 32, 0, 0, ["priority": 1]],
        ] {
            #expect(throws: FrameFault.self) { try batch(entry) }
        }
        #expect(throws: FrameFault.self) { try batch(["r", 0, 0, 32, 0, 0], settlements: [[1, 1]]) }
        #expect(throws: FrameFault.self) { try batch(["r", 0, 0, 32, 0, 0], settlements: [[-1, 1]]) }
        #expect(throws: FrameFault.self) { try batch(["r", 0, 0, 32, 0, 0], answers: [["x"]]) }
    }
}
