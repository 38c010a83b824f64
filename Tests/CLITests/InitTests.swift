import Foundation
import Testing

extension CommandLine {
    struct InitTests {
        /// What the workflow of each template answers to the input that comes with it.
        private static let templates: [(name: String, script: String, status: Int32, output: String)] = [
            ("minimal", "hello.lua", 0, "HELLO, ADA!"), ("http-api", "weather.lua", 0, "Oslo: 12.5 km/h"),
            ("human-approval", "expense.lua", 3, ""), ("batch", "import.lua", 0, "\"imported\": 2"),
            // Nobody has allowed its model here.
            ("agent", "triage.lua", 1, ""),
        ]

        @Test(arguments: templates.indices)
        func `a new project runs, and its tests pass`(index: Int) throws {
            let template = Self.templates[index]
            let service = try WeatherService { path in
                path.hasPrefix("/v1/search")
                    ? (200, #"{"results":[{"name":"Oslo","latitude":59.9,"longitude":10.7}]}"#)
                    : (200, #"{"current":{"wind_speed_10m":12.5}}"#)
            }
            let program = try Program()
            defer { program.remove() }
            let made = try program.run("init", "demo", "--template", template.name)
            #expect(made.status == 0)
            #expect(made.output.isEmpty)
            #expect(made.errors.contains("cd demo\n  aikit-lua run \(template.script) --input @input.json"))
            var run = ["run", "demo/\(template.script)", "--input", "@demo/input.json"]
            if template.name == "http-api" {
                run += ["--allow-net", "--ctx", #"{"geocoding":"\#(service.base)","weather":"\#(service.base)"}"#]
            }
            let outcome = try program.run(run)
            #expect(outcome.status == template.status, "\(outcome.errors)")
            #expect(template.output.isEmpty || outcome.output.contains(template.output), "\(outcome.output)")
            let tests = try program.run("test", "demo", "--coverage")
            #expect(tests.status == 0, "\(tests.errors)")
            #expect(tests.errors.contains("coverage: 100%"), "\(tests.errors)")
            #expect(try program.run("check", "demo/\(template.script)").status == 0)
        }

        @Test func `a project has what an editor and git need`() throws {
            let program = try Program()
            defer { program.remove() }
            #expect(try program.run("init", "a/b c/demo").status == 0)
            let folder = program.folder.appendingPathComponent("a/b c/demo")
            func text(_ name: String) throws -> String {
                try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            }
            #expect(try text(".luarc.json").contains(#"".aikit/types""#))
            #expect(try text(".gitignore").contains(".aikit/runs.db"))
            #expect(try text(".aikit/types/aikit.lua") == program.run("types").output)
            #expect(try text(".aikit/types/aikit-test.lua").hasPrefix("---@meta aikit.test\n"))
            let readme = try text("README.md")
            #expect(readme.hasPrefix("# demo\n"))
            #expect(!readme.contains("{"))
        }

        @Test func `nothing is written over`() throws {
            let program = try Program(["hello.lua": "-- mine", "file": ""])
            defer { program.remove() }
            let refused = try program.run("init", ".")
            #expect(refused.status == 2)
            #expect(refused.errors == "error: . has hello.lua already; nothing was written\n")
            let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(Set(names) == ["hello.lua", "file"])
            #expect(try program.run("init", "file").errors == "error: file is a file\n")
            let unknown = try program.run("init", "x", "--template", "web")
            #expect(unknown.status == 2)
            #expect(unknown.errors.contains("'minimal', 'http-api', 'human-approval'"))
            #expect(try program.run("init", ".", "--template", "batch").status == 0)
        }
    }
}
