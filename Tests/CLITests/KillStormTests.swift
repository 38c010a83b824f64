import FlatValue
import Foundation
import LuaWorkflows
import Platform
import SQLiteJournal
import Testing
import WorkflowCore
import WorkflowEngine

/// Handlers that say that they ran, an event, a person, and a step that fails where the input asks for it.
private let storm = """
    local aikit = require "aikit"
    local s = aikit.schema

    local function step(id, body)
      return { id = id, handler = function(input, context)
        print("ran " .. context.idempotency_key .. " ")
        aikit.sleep(0.003)
        return body(input, context)
      end }
    end

    return aikit.workflow { id = "storm" }
      :step(step("double", function(input) return { n = input.n * 2 } end))
      :wait_for { id = "go", event = "go" }
      :step(step("luck", function(_, context)
        if context.initial_input.fail then aikit.fail { code = "no_luck", message = "no luck" } end
        return 1
      end))
      :human { id = "ask", response_schema = s.object { add = s.integer() } }
      :step(step("sum", function(answer, context) return { sum = context.initial_input.n * 2 + answer.add } end))
      :commit()
    """

extension CommandLine {
    /// Every command that writes to a store, killed at any moment.
    struct KillStormTests {
        /// How many processes are killed; more of them for a long night.
        private static let kills = ProcessInfo.processInfo.environment["AIKIT_CRASH_ROUNDS"].flatMap { Int($0) } ?? 20

        /// What is done, and when it is killed, follows from it; `AIKIT_CRASH_SEED` names one.
        private static let seed =
            ProcessInfo.processInfo.environment["AIKIT_CRASH_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...9999)

        @Test func `commands that are killed lose, double, poison and repeat nothing`() async throws {
            let program = try Program(["storm.lua": storm])
            defer { program.remove() }
            let engine = WorkflowEngine(workers: 1)
            defer { engine.shutdown() }
            let script = try await LuaScript.load(source: storm, named: "storm.lua", on: engine)
            let path = program.folder.appendingPathComponent(".aikit/runs.db").path
            let plan = script.workflows[0].plan
            var (killed, number) = (0, 0)
            var chance = Chance(state: Self.seed)
            defer { if killed < Self.kills { print("storm of seed \(Self.seed) ended after \(killed) kills") } }
            var runs: [String: Look] = [:]
            while killed < Self.kills, number < 8 * Self.kills {
                number += 1
                let process = try RunningProgram(program, command(number, runs, &chance))
                usleep(UInt32.random(in: 1000...120_000, using: &chance))
                process.send(SIGKILL)
                let outcome = process.finish()
                killed += outcome.status == SIGKILL ? 1 : 0
                runs = try await check(outcome, number: number, against: runs, path, plan)
            }
            try await settle(program, runs, path, plan)
        }

        private func command(_ number: Int, _ runs: [String: Look], _ chance: inout Chance) -> [String] {
            func one(_ statuses: String...) -> String? {
                runs.filter { statuses.contains($0.value.status) }.keys.sorted().randomElement(using: &chance)
            }
            func begin(_ number: Int) -> [String] {
                let input = "{\"n\":\(number),\"fail\":\(number % 7 == 0)}"
                return ["run", "storm.lua", "--run-id", "r\(number)", "--input", input]
            }
            switch Int.random(in: 0..<10, using: &chance) {
            case 0: if let id = one("waiting") { return ["runs", "cancel", id] }
            case 1: if let id = one("success", "failed") { return ["runs", "fork", id, "--from", "luck"] }
            case 2: if let id = one("failed", "cancelled") { return ["runs", "retry", id] }
            case 3: return ["runs", "prune", "--status", "cancelled"]
            case 4: return ["runs", "recover"]
            case 5, 6: if let id = one("waiting") { return ["signal", id, "go"] }
            case 7, 8: if let id = one("waiting_human") { return ["resume", id, "--data", #"{"add":5}"#] }
            default: break
            }
            return begin(number)
        }

        /// Goes on with all that is open, and looks at what everything came to.
        private func settle(_ program: Program, _ before: [String: Look], _ path: String, _ plan: Plan) async throws {
            var runs = before
            for _ in 0..<6
            where runs.values.contains(where: { !["success", "failed", "cancelled"].contains($0.status) }) {
                let recovered = try program.run("runs", "recover")
                runs = try await check(recovered, number: 0, against: runs, path, plan)
                for (id, run) in runs {
                    let words: [String]
                    switch run.status {
                    case "waiting": words = ["signal", id, "go"]
                    case "waiting_human": words = ["resume", id, "--data", #"{"add":5}"#]
                    default: continue
                    }
                    runs = try await check(program.run(words), number: 0, against: runs, path, plan)
                }
            }
            for (id, run) in runs {
                switch run.status {
                case "success": #expect(run.outcome == "{\"sum\":\((run.input ?? 0) * 2 + 5)}", "\(id)")
                case "failed": #expect(run.outcome == "no_luck", "\(id)")
                case "cancelled": break
                default: Issue.record("run \(id) is \(run.status) for ever")
                }
            }
        }

        private struct Chance: RandomNumberGenerator {
            var state: UInt64

            mutating func next() -> UInt64 {
                state &+= 0x9E37_79B9_7F4A_7C15
                let word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
                return (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            }
        }

        private struct Look {
            var status: String
            var input: Int64?
            /// The result as JSON, or the code of the error.
            var outcome: String?
            /// The keys of the steps with a recorded success.
            var ended: [String]
        }

        /// What the store says after a command; nothing in it may have gone back.
        private func check(
            _ outcome: Program.Outcome, number: Int, against before: [String: Look], _ path: String, _ plan: Plan
        ) async throws -> [String: Look] {
            #expect([0, 1, 2, 3, SIGKILL].contains(outcome.status), "\(outcome.errors)")
            for key in before.values.flatMap(\.ended) {
                #expect(!outcome.errors.contains("ran \(key) "), "\(key) had ended and ran again")
            }
            guard FileManager.default.fileExists(atPath: path) else { return [:] }
            let journal = try SQLiteJournal(path: path)
            #expect(try await journal.check().isEmpty)
            var after: [String: Look] = [:]
            for header in try await journal.list(RunFilter()) {
                guard let stored = try await journal.load(header.id) else { continue }
                after[header.id] = look(try RunRecord(stored, plan: plan).result(), header.id)
            }
            await journal.close()
            for (id, run) in before where run.status != "cancelled" {
                let ended = Set(after[id]?.ended ?? [])
                #expect(ended.isSuperset(of: run.ended), "run \(id) has lost steps")
            }
            return after
        }

        private func look(_ result: RunResult, _ id: String) -> Look {
            let keys = result.steps.filter { $0.status == .success }.map { "\(id)/\($0.path)#\($0.occurrence)" }
            #expect(Set(keys).count == keys.count, "a step succeeded twice")
            let outcome = result.result?.json ?? result.error?["code"]?.string
            return Look(
                status: result.status.rawValue, input: result.steps.first?.input["n"]?.int, outcome: outcome,
                ended: keys)
        }
    }
}
