import Foundation
import LuaWorkflows
import Platform
import SQLiteJournal
import Testing
import WorkflowCore
import WorkflowEngine

/// Every kind of node, and a note on standard error of each handler that runs.
private let load = """
    local aikit = require "aikit"
    local s = aikit.schema

    local function step(id, body)
      return aikit.step { id = id, handler = function(input, context)
        print("ran " .. context.idempotency_key .. " ")
        aikit.sleep(0.003)
        return body(input, context)
      end }
    end

    return aikit.workflow { id = "load" }
      :step(step("prepare", function() return { items = { 1, 2, 3, 4, 5, 6, 7, 8 } } end))
      :foreach {
        id = "each", items = function(input) return input.items end, concurrency = 3,
        step = {
          step("square", function(n) return n * n end),
          aikit.branch {
            id = "parity", resolve = function(n) return n % 2 == 0 and "even" or "odd" end,
            cases = { even = step("half", function(n) return n // 2 end), odd = step("same", function(n) return n end) },
          },
        },
        collect = function(results) local sum = 0 for _, n in ipairs(results) do sum = sum + n end return sum end,
      }
      :parallel {
        id = "both",
        branches = {
          left = { aikit.delay { id = "pause", duration = "20ms" }, step("double", function(n) return n * 2 end) },
          right = step("keep", function(n, context) context.store.sum = n return n end),
        },
        aggregate = function(results) return results.left + results.right end,
      }
      :human { id = "approve", response_schema = s.object { add = s.integer() } }
      :loop {
        id = "rounds", condition = function(_, context) return context.iteration <= 3 end, max_iterations = 5,
        step = step("round", function(answer) return answer end),
        collect = function(results) return { add = results[#results].add, rounds = #results } end,
      }
      :step(step("finish", function(last, context)
        return { sum = context.store.sum, add = last.add, rounds = last.rounds }
      end))
      :commit()
    """

extension CommandLine {
    struct CrashLoadTests {
        /// How many processes are killed; more of them for a long night.
        private static let kills = ProcessInfo.processInfo.environment["AIKIT_CRASH_ROUNDS"].flatMap { Int($0) } ?? 20
        /// A step in which its process dies three times is given up, which is right but not what is tested here.
        private static let killsOfOneRun = 2

        @Test func `kill after kill, every run ends right and nothing that had ended runs again`() async throws {
            let program = try Program(["load.lua": load])
            defer { program.remove() }
            let store = program.folder.appendingPathComponent(".aikit/runs.db").path
            let engine = WorkflowEngine(workers: 1)
            defer { engine.shutdown() }
            let script = try await LuaScript.load(source: load, named: "load.lua", on: engine)
            let plan = script.workflows[0].plan
            var (killed, number) = (0, 0)
            while killed < Self.kills {
                number += 1
                killed += try await carry("r\(number)", program, store, plan)
            }
        }

        /// Carries one run to its end through some kills, and says how many there were.
        private func carry(_ id: String, _ program: Program, _ store: String, _ plan: Plan) async throws -> Int {
            var killed = 0
            while true {
                let before = try await look(at: id, store, plan)
                let process =
                    before?.status == .waitingHuman
                    ? try RunningProgram(program, "resume", id, "--data", #"{"add":5}"#)
                    : try RunningProgram(program, "run", "load.lua", "--run-id", id)
                if killed < Self.killsOfOneRun {
                    // Any moment will do, from before the store is opened to after the end.
                    usleep(UInt32.random(in: 1000...150_000))
                    process.send(SIGKILL)
                }
                let outcome = process.finish()
                for key in before?.ended ?? [] {
                    #expect(!outcome.errors.contains("ran \(key) "), "\(key) had ended and ran again")
                }
                switch outcome.status {
                case 0:
                    let answer = outcome.output.filter { !$0.isWhitespace }
                    #expect(answer == #"{"add":5,"rounds":3,"sum":144}"#)
                    let after = try await look(at: id, store, plan)
                    #expect(after?.status == .success)
                    #expect(after?.ended.count == 36)
                    return killed
                case 3: break
                case SIGKILL: killed += 1
                default:
                    Issue.record("run \(id) ended with status \(outcome.status): \(outcome.errors)")
                    return Self.kills
                }
            }
        }

        private struct Look {
            var status: RunStatus
            /// The keys of the steps with a recorded success.
            var ended: [String]
        }

        /// What the journal says of a run, when it is sound.
        private func look(at id: String, _ path: String, _ plan: Plan) async throws -> Look? {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let journal = try SQLiteJournal(path: path)
            let problems = try await journal.check()
            #expect(problems.isEmpty)
            let stored = try await journal.load(id)
            await journal.close()
            guard let stored else { return nil }
            let result = try RunRecord(stored, plan: plan).result()
            let keys = result.steps.filter { $0.status == .success }.map { "\(id)/\($0.path)#\($0.occurrence)" }
            #expect(Set(keys).count == keys.count, "a step succeeded twice")
            return Look(status: result.status, ended: keys)
        }
    }
}
