internal import Foundation
internal import GRDB
internal import Testing
internal import WorkflowEngine

@Suite("A damaged store loses what is damaged and nothing else", .serialized)
struct MutationTests {
    /// How many stores each test damages; more of them for a long night.
    private static let rounds = ProcessInfo.processInfo.environment["AIKIT_MUTATIONS"].flatMap { Int($0) } ?? 200

    private static let values: [DatabaseValue] = [
        .null, "text".databaseValue, "".databaseValue, Data([0, 255, 7]).databaseValue, Data().databaseValue,
        Data(count: 100_000).databaseValue, 0.databaseValue, 1.databaseValue, (-1).databaseValue, 99.databaseValue,
        (1 << 40).databaseValue, (1 << 62).databaseValue, Int64.max.databaseValue, Int64.min.databaseValue,
        1.5.databaseValue, (-Double.infinity).databaseValue,
    ]

    @Test func `a value that its column cannot have concerns at most the run that it belongs to`() async throws {
        var chance = Chance(seed: 1)
        let store = try await DamagedStore()
        let columns = try store.columns()
        var done = 0
        for _ in 0..<4 * Self.rounds where done < Self.rounds {
            let (table, column) = columns[chance.below(columns.count)]
            let value = Self.values[chance.below(Self.values.count)]
            guard let runs = try store.edit(table, column, to: value, row: chance.below(20)) else { continue }
            done += 1
            let sound = await store.use()
            #expect(
                sound?.isSuperset(of: Set(DamagedStore.ids).subtracting(runs)) == true,
                "\(table).\(column) = \(value): of \(DamagedStore.ids) but \(runs) only \(sound ?? [])")
        }
        #expect(done == Self.rounds)
    }

    @Test func `bytes that changed on the disk end in errors`() async throws {
        var chance = Chance(seed: 2)
        let store = try await DamagedStore()
        for _ in 0..<Self.rounds {
            try store.change { bytes in
                for _ in 0...chance.below(4) {
                    let place = chance.below(bytes.count)
                    bytes[place] = chance.below(2) == 0 ? UInt8(chance.below(256)) : bytes[place] ^ 1 << chance.below(8)
                }
            }
            _ = await store.use()
        }
    }

    @Test func `a file that was cut off ends in errors`() async throws {
        var chance = Chance(seed: 3)
        let store = try await DamagedStore()
        for _ in 0..<Self.rounds / 4 {
            try store.change { $0.removeLast(chance.below($0.count)) }
            _ = await store.use()
        }
    }

    /// Numbers that are the same in every run of the tests.
    private struct Chance {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

        mutating func below(_ limit: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((word ^ word >> 31) % UInt64(max(limit, 1)))
        }
    }
}
