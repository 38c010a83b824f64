import ArgumentParser
import Testing

@testable import aikit_lua

struct RunArgumentsTests {
    @Test(
        arguments: [
            "run a.lua", "run --events a.lua --input {}", "run a.lua --input=- --workers 3 --timeout=5s",
            "run a.lua --store memory --run-id x --workflow w --metadata {} --ctx {\"a\":1}",
            "run --allow-net=* --allow-net=a,b a.lua", "run a.lua --input -", "run a.lua --wait 1h --recover",
            "run a.lua --detach --timeout 5s --cancel-on-timeout", "run a.lua -A", "run --allow-all a.lua",
            "run a.lua --allow-env=A --allow-read=. --allow-read=/tmp --allow-write=* --allow-run=git,ls",
            "run a.lua --allow-secret=A,B_* --allow-secret=* --allow-model=m* --secrets keys.env --secrets-command=show",
            "run a.lua --log-format json --log-level=debug",
        ])
    func `the quick way reads what the parser reads`(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let quick = try #require(RunArguments(quickly: words))
        let command = try #require(try AikitLua.parseAsRoot(words) as? RunCommand)
        #expect(quick == command.request)
    }

    @Test func `the quick way knows every option of the parser`() throws {
        let words = ["run", "a.lua", "--workflow=w", "--input=1", "--metadata={}", "--ctx={}", "--run-id=r"]
        let rest = [
            "--store=s", "--durability=full", "--recover", "--events", "--timeout=1s", "--cancel-on-timeout",
            "--wait=1s",
            "--detach", "--workers=1", "--allow-net=a", "--allow-secret=A", "--allow-env=A", "--allow-read=a",
            "--allow-write=a", "--allow-run=a", "--allow-model=m", "--allow-all", "--secrets=f",
            "--secrets-command=c", "--log-format=json", "--log-level=warn",
            "--telemetry={}", "--otlp=http://127.0.0.1:4318", "--priority=1", "--tag=a=1",
        ]
        #expect(RunArguments(quickly: words + rest) != nil)
        // Every option of the help is in the list above, or is left to the parser because its value may be left out.
        let help = AikitLua.helpMessage(for: RunCommand.self, columns: 400)
        let options = help.split(separator: "\n").filter { $0.hasPrefix("  --") }.compactMap {
            $0.split(whereSeparator: { " =<".contains($0) }).first.map(String.init)
        }
        let known = (words + rest).map { String($0.prefix { $0 != "=" }) } + ["--version", "--isolate"]
        #expect(options.count > 10)
        for option in options { #expect(known.contains(option), "\(option)") }
    }

    @Test(
        arguments: [
            "run", "run --help", "run a.lua b.lua", "run a.lua --inptu {}", "run a.lua --input",
            "run a.lua --input --events",
            "run a.lua --workers many", "run a.lua --log-level loud", "run a.lua --input {} --input {}", "run -- a.lua",
            "run a.lua -h",
            "run a.lua --allow-net x", "run a.lua --isolate",
            "check a.lua", "--version", "run a.lua --events=1",
        ])
    func `what is not plain is left to the parser`(line: String) {
        #expect(RunArguments(quickly: line.split(separator: " ").map(String.init)) == nil)
    }
}
