import Testing
import WorkflowCore

@testable import HostEffects

@Suite struct EffectMemoryTests {
    @Test func `answers together take no more than there is for them, and give it back`() throws {
        let memory = EffectMemory(limit: 1000)
        func take(_ bytes: Int, _ copies: Int) throws {
            var share = EffectMemory.Share(of: memory)
            try share.take(bytes, copies: copies)
            var other = EffectMemory.Share(of: memory)
            try other.take(400)
        }
        try take(100, 6)
        #expect(memory.count == 0)
        #expect(throws: HostFailure.self) { try take(101, 6) }
        #expect(throws: HostFailure.self) { try take(.max, 2) }
        #expect(throws: HostFailure.self) { try take(.max, 1) }
        #expect(memory.count == 0)
    }

    @Test func `an answer counts as long as it is held`() throws {
        let memory = EffectMemory(limit: 1000)
        var held: (any Sendable)? = try memory.hold(800)
        #expect(memory.count == 800)
        #expect(throws: HostFailure.self) { try memory.hold(201) }
        withExtendedLifetime(held) {}
        held = nil
        #expect(memory.count == 0)
    }
}
