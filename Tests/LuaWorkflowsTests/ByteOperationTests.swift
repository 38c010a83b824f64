import FlatValue
import Testing

@testable import LuaWorkflows

@Suite("Strings of any bytes")
struct ByteOperationTests {
    /// What an operation answers, and how often it asked whether it may go on.
    private func perform(
        _ name: String, _ bytes: [UInt8], asking most: Int = .max
    ) -> (outcome: ByteOperation.Outcome, answer: [UInt8]?, asked: Int) {
        var arena = ByteArena()
        defer { arena.deallocate() }
        var asked = 0
        let outcome = bytes.withUnsafeBytes { bytes in
            ByteOperation(bytes) {
                asked += 1
                return asked <= most
            }.perform(name, into: &arena)
        }
        let answer = arena.count == 0 ? nil : ValueCursor(arena.bytes).stringBytes.map(Array.init)
        return (outcome, answer, asked)
    }

    private static let large = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    @Test(arguments: ["hex", "base64", "base64url"]) func `large strings go both ways in pieces`(form: String) throws {
        let encoded = perform(form + ".encode", Self.large)
        #expect(encoded.outcome == .done)
        #expect(encoded.asked > 5)
        let decoded = perform((form == "hex" ? "hex" : "base64") + ".decode", try #require(encoded.answer))
        #expect(decoded.outcome == .done)
        #expect(decoded.asked > 5)
        #expect(decoded.answer == Self.large)
    }

    @Test(arguments: ["hex.encode", "base64.encode", "base64url.encode", "digest.sha256", "digest.md5"])
    func `no operation goes on for code that is to stop`(name: String) {
        let stopped = perform(name, Self.large, asking: 2)
        #expect(stopped.outcome == .stopped)
        #expect(stopped.answer == nil)
        #expect(stopped.asked == 3)
    }

    @Test func `what is no text of the form is null, and what has no name is unknown`() {
        for text in ["hex.decode": "0g", "base64.decode": "Zg==="] {
            let refused = perform(text.key, Array(text.value.utf8))
            #expect(refused.outcome == .done && refused.answer == nil)
        }
        #expect(perform("hex.encode", []).answer == [])
        #expect(perform("hex.decode", []).answer == [])
        #expect(perform("hex.turn", []).outcome == .unknown)
    }
}
