import Foundation
import Testing

extension CommandLine.RunsTests {
    @Test func `a fork takes the recorded results up to its step, with its lineage`() throws {
        let program = try program()
        defer { program.remove() }
        let fork = try runs(
            program, "fork", "good", "--from", "items[2]/double", "--input", #"{"k":50}"#, "--run-id", "f",
            "--events")
        #expect(fork.status == 0)
        let lines = fork.output.split(separator: "\n")
        #expect(lines.first?.contains(#""type":"workflow:resumed""#) == true)
        #expect(!lines.contains { $0.contains("step:start") && $0.contains(#""path":"price""#) })
        #expect(lines.last?.contains(#""result":{"items":2,"seen":1}"#) == true)
        let value = try #require(try json(runs(program, "show", "f", "--json")) as? [String: Any])
        let lineage = value["lineage"] as? [String: Any]
        #expect(lineage?["runId"] as? String == "good")
        #expect(lineage?["path"] as? String == "items[2]/double")
        #expect(try runs(program, "show", "f").output.contains("good, forked at 'items[2]/double'"))
        let wrong = try runs(program, "fork", "good", "--from", "items[2]/dubble")
        #expect(wrong.status == 2)
        #expect(
            wrong.errors == "error: the run has no step at 'items[2]/dubble'; did you mean 'items[2]/double'?\n")
    }

    @Test func `a retry with mended code goes on at the failed step, as a new run`() throws {
        let program = try program()
        defer { program.remove() }
        let failed = try runs(program, "retry", "poor", "--run-id", "again")
        #expect(failed.status == 1)
        try program.write(
            Self.order.replacing("if context.initial_input.n > 5 then error(\"too many\") end", with: ""),
            to: "order.lua")
        let mended = try runs(program, "retry", "poor", "--script", "order.lua", "--run-id", "mended")
        #expect(mended.status == 0)
        #expect(mended.errors.contains("run mended of workflow order\n  done       send"))
        #expect(!mended.errors.contains("price"))
        #expect(try runs(program, "show", "poor").output.contains("poor, workflow order: failed"))
        #expect(try runs(program, "retry", "good").status == 2)
    }

    @Test func `a fork onto edited code begins at the first step that has changed`() throws {
        let program = try program()
        defer { program.remove() }
        let shifted = "-- a line more\n" + Self.order
        try program.write(shifted, to: "order.lua")
        let same = try runs(program, "fork", "good", "--script", "order.lua")
        #expect(same.status == 2)
        #expect(same.errors == "error: no step that the run came to has changed\n")
        try program.write(shifted.replacing("k = item.k * 2", with: "k = item.k * 3"), to: "order.lua")
        let edited = try runs(program, "fork", "good", "--script", "order.lua", "--run-id", "f", "--events")
        #expect(edited.status == 0)
        let starts = edited.output.split(separator: "\n").filter { $0.contains("step:start") }
        #expect(starts.count == 3)
        #expect(starts.first?.contains(#""path":"items[1]/double""#) == true)
    }

    @Test func `what a step reaches in a module belongs to its code`() throws {
        let program = try Program([
            "main.lua": """
            local aikit = require "aikit"
            local words = require "words"
            return aikit.workflow { id = "main" }
              :step { id = "a", handler = function() return { n = 1 } end }
              :step { id = "b", handler = function(x) return { text = words.say(x.n) } end }
              :commit()
            """, "words.lua": "local HELLO = 'hello'\nreturn { say = function(n) return HELLO .. n end }",
        ])
        defer { program.remove() }
        _ = try program.run("run", "main.lua", "--store", "r.db", "--run-id", "r")
        try program.write(
            "local HELLO = 'goodbye'\nreturn { say = function(n) return HELLO .. n end }", to: "words.lua")
        let edited = try runs(program, "fork", "r", "--script", "main.lua")
        #expect(edited.status == 0, "\(edited.errors)")
        #expect(edited.output == "{\n  \"text\": \"goodbye1\"\n}\n")
        #expect(!edited.errors.contains("done       a"))
    }

    @Test func `code that does not fit is refused before anything runs`() throws {
        let program = try program()
        defer { program.remove() }
        try program.write(Self.order.replacing("id = \"price\"", with: "id = \"cost\""), to: "order.lua")
        let refused = try runs(program, "fork", "good", "--from", "send", "--script", "order.lua", "--run-id", "f")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("'price' is not in the new definition"))
        #expect(try runs(program, "show", "f").status == 2)
    }
}
