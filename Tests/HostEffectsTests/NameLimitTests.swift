internal import FlatValue
internal import Testing
internal import WorkflowEngine

@testable internal import HostEffects

@Suite("Names that are longer than anything takes") struct NameLimitTests {
    @Test(
        arguments: [
            ("fs.read", "path"), ("fs.glob", "pattern"), ("fs.temp", "prefix"), ("http", "url"), ("http", "query"),
            ("http", "headers"), ("exec", "argv"), ("exec", "env"), ("env.get", "name"), ("mcp", "command"),
            ("model", "model"),
        ]) func `are refused before anything is made of them`(_ operation: String, _ key: String) async
    {
        let service = HostEffectsService(permissions: Permissions())
        let long = Value(String(repeating: "a/", count: 10_000_000))
        let value: Value =
            ["headers", "query", "env"].contains(key) ? ["x": long] : key == "argv" ? ["ls", long] : long
        let answer = await withCheckedContinuation { continuation in
            let call = HostCall(operation, payload: Value(entries: [(key, value)]), workflow: "w", run: "r", path: "s")
            _ = service.begin(call) { continuation.resume(returning: $0) }
        }
        #expect(!answer.ok && answer.value["code"] == "invalid_request")
        #expect(answer.value["message"]?.string?.hasPrefix("\(key) is longer than ") == true)
    }
}
