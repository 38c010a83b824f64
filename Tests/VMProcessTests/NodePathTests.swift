import FlatValue
import Testing
import WorkflowCore

@testable import VMProcess

@Suite struct NodePathTests {
    private func paths() throws -> NodePaths {
        func step(_ id: String, _ permissions: Value? = nil) -> Value {
            var entries: [(String, Value)] = [("kind", "step"), ("id", Value(id)), ("handler", 1)]
            if let permissions { entries.append(("permissions", permissions)) }
            return Value(entries: entries)
        }
        let definition: Value = [
            "kind": "workflow", "id": "w",
            "nodes": [
                step("plain"), step("narrow", ["env": ["HOME"]]),
                ["kind": "foreach", "id": "each", "items": 1, "step": [step("inner")]],
            ],
        ]
        return NodePaths(try DefinitionReader.plan(from: definition))
    }

    @Test func `each step has the limits of its node and of all around it`() throws {
        let paths = try paths()
        #expect(paths.limits(at: "plain") == [])
        #expect(paths.limits(at: "narrow")?.count == 1)
        #expect(paths.limits(at: "each[17]/inner") == [])
        #expect(paths.limits(at: "") == [])
    }

    @Test(arguments: [
        "other", "narrow/plain", "each/inner", "each[]/inner", "each[x]/inner", "plain/", "/", "each[1]/plain",
    ])
    func `a path that the plan does not have has no limits`(_ path: String) throws {
        #expect(try paths().limits(at: path) == nil)
    }
}
