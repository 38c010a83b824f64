import FlatValue
import TestInputs
import Testing

@testable import WorkflowCore

@Suite struct `The store's table` {
    /// Keys and values of a store in an arena of their own.
    private final class Setting {
        var arena = ByteArena()
        var table = StoreTable()

        deinit { arena.deallocate() }

        func slice(_ text: String) -> Slice { arena.writing { arena in text.utf8.forEach { arena.append($0) } } }

        func set(_ key: String, _ value: Int?) {
            let value = value.map { value in arena.writing { $0.write(Int64(value)) } } ?? .none
            table.set(StoreTable.Entry(key: slice(key), value: value), in: arena)
        }

        func value(_ key: String) -> Int? {
            var key = key
            let slice = key.withUTF8 { table.value(of: UnsafeRawBufferPointer($0), in: arena) }
            return slice.flatMap { ValueCursor(arena[$0]).int }.map { Int($0) }
        }
    }

    @Test(arguments: [4, 40, 4000]) func `it says what a dictionary says`(keys: Int) {
        let setting = Setting()
        var model: [String: Int] = [:]
        var generator = SplitMix(seed: UInt64(keys))
        for step in 0..<20_000 {
            let key = "key\(Int.random(in: 0..<keys, using: &generator))"
            let value = Int.random(in: 0..<3, using: &generator) == 0 ? nil : step
            model[key] = value
            setting.set(key, value)
            let other = "key\(Int.random(in: 0..<keys, using: &generator))"
            #expect(setting.value(other) == model[other])
            if step % 1000 == 999 { setting.table.trim() }
        }
        #expect(setting.table.count == model.count)
        for (key, value) in model { #expect(setting.value(key) == value) }
    }

    @Test func `equal changes give equal tables, whatever was looked up`() {
        let (left, right) = (Setting(), Setting())
        for setting in [left, right] {
            for key in 0..<100 { setting.set("key\(key)", key) }
        }
        _ = left.value("key50")
        for setting in [left, right] {
            for key in stride(from: 0, to: 100, by: 3) { setting.set("key\(key)", nil) }
        }
        let isSame = left.table == right.table
        #expect(isSame)
    }

    @Test func `the empty key is a key`() {
        let setting = Setting()
        setting.set("", 1)
        for key in 0..<20 { setting.set("key\(key)", key) }
        #expect(setting.value("") == 1)
        setting.set("", nil)
        #expect(setting.value("") == nil)
    }
}
