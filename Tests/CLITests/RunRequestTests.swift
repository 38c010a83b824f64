import ArgumentParser
import Testing

@testable import aikit_lua

struct RunRequestTests {
    @Test(
        arguments: [
            "run a.lua", "run --events a.lua --input {}", "run a.lua --input=- --workers 3 --timeout=5s",
            "run a.lua --store memory --run-id x --workflow w --metadata {} --ctx {\"a\":1}",
            "run --allow-net=* --allow-net=a,b --allow-env=HOME a.lua --allow-read=. --allow-write=/tmp --allow-run=git",
            "run a.lua --input -",
        ])
    func `the quick way reads what the parser reads`(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let quick = try #require(RunRequest(quickly: words))
        let command = try #require(try AikitLua.parseAsRoot(words) as? RunCommand)
        #expect(quick == command.request)
    }

    @Test(
        arguments: [
            "run", "run --help", "run a.lua b.lua", "run a.lua --inptu {}", "run a.lua --input",
            "run a.lua --input --events",
            "run a.lua --workers many", "run a.lua --input {} --input {}", "run -- a.lua", "run a.lua -h",
            "run a.lua --allow-net x",
            "check a.lua", "--version", "run a.lua --events=1",
        ])
    func `what is not plain is left to the parser`(line: String) {
        #expect(RunRequest(quickly: line.split(separator: " ").map(String.init)) == nil)
    }
}
