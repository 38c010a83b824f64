import FlatValue
import Foundation
import LuaWorkflows
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

/// reminder.lua, with what it asks of the host answered here, in time that jumps to whatever is due next.
@Suite("The reminder")
struct ReminderTests {
    /// Runs the workflow for an order.
    ///
    /// - Parameter statuses: what the server for mail answers, one after the other.
    private func remind(
        of order: Value, mail statuses: [Int64] = []
    ) async throws -> (result: RunResult, mails: Int, days: Int64) {
        let mails = Mutex(0)
        let clock = VirtualClock()
        let host = HostOperations()
            .operation("orders.lookup") { call in
                #expect(call.payload == 7)
                return order
            }
            .operation("http") { call in
                #expect(call.payload["url"] == "https://mail.example/v1/send")
                let status = mails.withLock { count in
                    defer { count += 1 }
                    return statuses[count]
                }
                return [
                    "status": Value(status), "headers": .emptyObject, "body": "", "url": "https://mail.example/v1/send",
                ]
            }
        let engine = WorkflowEngine(workers: 1, clock: clock, host: host)
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let script = try await LuaScript.load(path: folder.appending(path: "reminder.lua").path, on: engine)
        let began = clock.now()
        let result = try await engine.createRun(script.workflows[0]).run(input: ["order": 7]).result()
        await engine.shutdown(grace: .zero)
        return (result, mails.withLock { $0 }, (clock.now() - began) / 86_400_000_000)
    }

    @Test func `nobody is reminded of an order that is paid`() async throws {
        let (result, mails, days) = try await remind(of: ["paid": true])
        #expect(result.status == .success)
        #expect(result.result == ["sent": false])
        #expect((mails, days) == (0, 3))
    }

    @Test func `a server that is down is asked again`() async throws {
        let (result, mails, _) = try await remind(
            of: ["paid": false, "email": "ada@example.com"], mail: [503, 503, 202])
        #expect(result.status == .success)
        #expect(result.snapshots(of: "mail").map(\.attempts) == [3])
        #expect(mails == 3)
    }

    @Test func `a refusal fails the run at once`() async throws {
        let (result, mails, _) = try await remind(of: ["paid": false, "email": "nowhere"], mail: [400])
        #expect(result.status == .failed)
        #expect(result.error?["code"] == "mail_failed")
        #expect(mails == 1)
    }
}
