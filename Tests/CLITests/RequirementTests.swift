import Testing

private let needy = """
    local aikit = require "aikit"
    aikit.requires { net = { "api.example.com" }, env = { "HOME" }, run = true }
    return aikit.workflow { id = "needy" }:step { id = "s", handler = function() return { ok = true } end }:commit()
    """

private let narrow = """
    local aikit = require "aikit"
    local function read(input)
      local ok, failure = pcall(aikit.fs.read, input.path)
      return { path = input.path, text = ok and failure or failure.message }
    end
    return aikit.workflow { id = "narrow", permissions = { read = { "a" } } }
      :step { id = "within", handler = read }
      :step { id = "none", permissions = false, handler = read }
      :commit()
    """

extension CommandLine {
    struct RequirementTests {
        @Test func `what a script needs is listed, and asked for before anything runs`() throws {
            let program = try Program(["needy.lua": needy])
            defer { program.remove() }
            let options = "--allow-net=api.example.com --allow-env=HOME --allow-run"
            let checked = try program.run("check", "needy.lua")
            #expect(checked.status == 0)
            #expect(checked.errors.contains("needs \(options)\n"))
            let json = try program.run("check", "needy.lua", "--json").output
            #expect(json.contains("\"requires\"") && json.contains("\"api.example.com\""))
            let refused = try program.run(
                "run", "needy.lua", "--store", "memory", "--allow-env", "--allow-net=example.com")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("add: --allow-net=api.example.com --allow-run\n"))
            let wide = [
                "run", "needy.lua", "--store", "memory", "--allow-net=*.example.com", "--allow-env", "--allow-run",
            ]
            #expect(try program.run(wide).status == 0)
        }

        @Test func `a workflow and a step have less than the run, never more`() throws {
            let program = try Program(["narrow.lua": narrow, "a": "inside", "b": "outside"])
            defer { program.remove() }
            func text(_ path: String, _ options: String...) throws -> [String] {
                let input = #"{"path":"\#(path)"}"#
                let outcome = try program.run(
                    ["run", "narrow.lua", "--store", "memory", "--events", "--input", input] + options)
                #expect(outcome.status == 0, "\(outcome.errors)")
                return outcome.output.split(separator: "\n").filter { $0.contains("\"step:success\"") }.map(String.init)
            }
            let wide = try text("a", "--allow-read")
            #expect(wide.first?.contains("inside") == true)
            #expect(wide.last?.contains("allow less than the run has") == true)
            #expect(try text("b", "--allow-read").first?.contains("allow less than the run has") == true)
            #expect(try text("a", "--allow-read=b").first?.contains("is not allowed") == true)
        }

        @Test func `permissions that cannot be understood are refused by their place`() throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", permissions = { nett = { "a" } } }
                  :step { id = "s", permissions = { net = 5 }, handler = function() end }
                  :commit()
                """
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            let outcome = try program.run("check", "w.lua")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("permissions.nett"))
            #expect(outcome.errors.contains("permissions.net"))
        }
    }
}
