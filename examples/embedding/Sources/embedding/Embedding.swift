import FlatValue
import LuaWorkflows
import WorkflowCore
import WorkflowEngine

/// Runs order.lua, follows its events, and answers where the script asks a person.
@main
struct Embedding {
    static func main() async throws {
        let engine = WorkflowEngine(workers: 2)
        let path = CommandLine.arguments.dropFirst().first ?? "order.lua"
        let script = try await LuaScript.load(path: path, on: engine)
        let run = engine.createRun(script.workflows[0])

        let order: Value = ["items": [["price": 12.5, "count": 2], ["price": 90, "count": 1]]]
        try run.start(input: order)

        for await event in run.events() {
            switch event.type {
            case .stepSuccess:
                print("done  \(event.path ?? "")")
            case .humanRequested:
                print("asks  \(event.path ?? "")")
                _ = try await run.resume(step: event.path, data: ["approved": true])
            default:
                break
            }
        }

        let result = try await run.finished().result()
        switch result.status {
        case .success: print(result.result?.json ?? "null")
        default: print("\(result.status): \(result.error?["message"]?.string ?? "")")
        }
        await engine.shutdown(grace: .seconds(1))
    }
}
