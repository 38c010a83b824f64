import FlatValue
internal import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Ids that the engine gives")
struct ReservedIDTests {
    private static let digest = String(repeating: "0", count: 32)

    @Test(arguments: ["report~often~20260101T000100Z", "parent~c0123456789abcdef", "key~\(digest)", "a~2", "~", "a~"])
    func `are taken by nobody who chooses one`(id: String) async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            let refused = try await #require(throws: RunFailure.self) {
                _ = try await directory.start(StartRequest(workflow: "ask", input: 1, id: id))
            }
            #expect(refused.code == "invalid_run_id" && refused.message.contains("cannot have a '~'"))
            _ = try await directory.start(StartRequest(workflow: "ask", input: 1, id: "chosen"))
            _ = try await directory.settled("chosen", within: .seconds(20))
            let fork = try await #require(throws: RunFailure.self) {
                _ = try await directory.fork("chosen", at: .before("approve"), as: id)
            }
            #expect(fork.code == "invalid_run_id")
            #expect(try await directory.list(RunFilter()).map(\.id) == ["chosen"])
        }
    }

    @Test func `of others are composed, and differ where their bytes do`() async throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        try await withDirectory([askingWorkflow()]) { directory in
            let refused = try await #require(throws: RunFailure.self) {
                _ = try await directory.start(StartRequest(workflow: "ask", input: 1, id: decomposed))
            }
            #expect(refused.code == "invalid_run_id" && refused.message.contains("NFC"))
            for id in [composed, "\u{65e5}\u{672c}", "\u{915}\u{94d}\u{937}"] {
                #expect(try await directory.start(StartRequest(workflow: "ask", input: 1, id: id)).isNew)
            }
            _ = try await directory.settled(composed, within: .seconds(20))
            #expect(try await directory.record(of: composed).id == composed)
            await #expect(throws: (any Error).self) { _ = try await directory.record(of: decomposed) }
        }
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let run = try engine.createRun(askingWorkflow(), id: decomposed)
        #expect(throws: RunFailure.self) { try run.start(input: 1) }
    }

    @Test func `find the run that has one, whoever asks`() async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            var request = StartRequest(workflow: "ask", input: 1)
            request.reservedID = .keyed(Self.digest)
            #expect(try await directory.start(request).isNew)
            let again = try await directory.start(StartRequest(workflow: "ask", input: 1, id: "key~\(Self.digest)"))
            #expect(!again.isNew && again.id == "key~\(Self.digest)")
        }
    }

    @Test func `differ where what they are made of differs`() throws {
        let long = String(repeating: "w", count: 300)
        func delivery(_ hook: String, _ workflow: String) -> String {
            ReservedRunID.delivery(Self.digest, to: hook, of: workflow).text
        }
        let ids = [
            delivery("daily-eu", "report"), delivery("eu", "report-daily"), delivery("eu", long + "a"),
            delivery("eu", long + "b"), delivery(long + "a", "report"), delivery(long + "b", "report"),
            ReservedRunID.keyed(Self.digest).text,
        ]
        #expect(Set(ids).count == ids.count)
        for id in ids {
            #expect(RunIdentifier.problem(of: id) == nil)
            // None is one of a chain, nor one that a run of such an id starts.
            #expect(RunChain.split(id) == (id, 1))
            #expect(ReservedRunID.child(named: id, of: "report") == nil)
            #expect(ReservedRunID.child(named: id, of: "key") == nil)
        }
    }

    @Test func `of a run that another one starts begin with that of the other one`() {
        let child = ReservedRunID.child("0123456789012345", of: "a~2").text
        #expect(RunChain.split(child) == (child, 1))
        #expect(ReservedRunID.child(named: child, of: "a~2")?.text == child)
        for (id, run) in [
            (child, "a"), (child, "a~"), (child + "0", "a~2"), (String(child.dropLast()), "a~2"),
            (child.replacing("5", with: "G"), "a~2"), ("", ""), ("~c", ""),
        ] {
            #expect(ReservedRunID.child(named: id, of: run) == nil, "\(id) of \(run)")
        }
    }
}
