internal import WorkflowCore
internal import WorkflowEngine

/// The workflows of a test file: what the runs under test may start.
struct TestCatalog: WorkflowCatalog {
    private let all: [Workflow]

    init(_ plans: [Plan], on generation: Generation) {
        all = plans.map { Workflow(plan: $0, generation: generation) }
    }

    func workflows() async -> [Workflow] { all }

    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        guard let workflow = all.first(where: { $0.id == id }) else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing,
                message: "run \(run) is one of workflow '\(id)', which the test has not")
        }
        return workflow
    }
}
