internal import Testing
internal import WorkflowEngine

@Suite("A check names each run that is damaged")
struct StoreCheckTests {
    @Test func `a sound store has no problems`() async throws {
        let store = try await DamagedStore()
        try store.change { _ in }
        #expect(await store.check() == [])
    }

    @Test(arguments: [
        ("UPDATE runs SET status = 99 WHERE id = 'b'", "status is not one that runs have"),
        ("UPDATE runs SET created_at = 'noon' WHERE id = 'b'", "created_at is not a number"),
        ("UPDATE runs SET updated_at = -5 WHERE id = 'b'", "updated_at is not a possible number"),
        ("UPDATE runs SET granted = '{' WHERE id = 'b'", "granted is not a list of permissions"),
        ("UPDATE runs SET arena_size = 1 << 40 WHERE id = 'b'", "it is larger than any run can be"),
    ]) func `a row that no run has`(sql: String, reason: String) async throws {
        let store = try await DamagedStore()
        try store.execute(sql)
        let problems = try #require(await store.check()).filter { $0.run != nil }
        #expect(problems == [StoreProblem(run: "b", reason: reason)])
    }

    @Test(arguments: [
        ("UPDATE entries SET checksum = 1 WHERE id = 5", "has bytes that have changed since they were written"),
        ("UPDATE entries SET events = zeroblob(7) WHERE id = 5", "has another number of events than it says"),
        ("UPDATE entries SET arena_size = arena_size - 1 WHERE id = 5", "has values in no possible place"),
        (
            "DELETE FROM contents WHERE hash IN (SELECT hash FROM content_uses WHERE entry = 5)",
            "refers to a value that is missing or damaged"
        ),
    ]) func `an entry that does not fit`(sql: String, reason: String) async throws {
        let store = try await DamagedStore()
        try store.execute(sql)
        let problems = try #require(await store.check()).filter { $0.run != nil }
        #expect(problems == [StoreProblem(run: "b", entry: 5, event: 2, reason: reason)])
    }

    @Test(arguments: [
        ("DELETE FROM entries WHERE id = 5", "is missing"),
        ("UPDATE entries SET run = 1 WHERE id = 5", "is one of another run"),
        ("UPDATE entries SET previous = 99 WHERE id = 5", "follows on no entry before it"),
    ]) func `a chain that is broken`(sql: String, reason: String) async throws {
        let store = try await DamagedStore()
        try store.execute(sql)
        let problems = try #require(await store.check()).filter { $0.run != nil }
        #expect(problems == [StoreProblem(run: "b", entry: 5, reason: reason)])
    }

    @Test func `code that has changed is damage of its runs`() async throws {
        let store = try await DamagedStore()
        try store.execute("UPDATE contents SET bytes = x'00' WHERE hash = (SELECT hash FROM generation_files LIMIT 1)")
        let problems = try #require(await store.check())
        #expect(
            problems.contains(
                StoreProblem(run: "a", reason: "the file main.lua of its code has changed since it was stored")))
    }

    @Test(arguments: [
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM runs; END",
        "ALTER TABLE runs RENAME TO real; CREATE VIEW runs AS SELECT * FROM real",
    ]) func `tables that do something by themselves are refused`(sql: String) async throws {
        let store = try await DamagedStore()
        try store.execute(sql)
        #expect(await store.check() == nil)
    }
}
