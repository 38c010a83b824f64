internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A recorded run that a test runs again with `test.replay`: a JSON file beside the test.
///
/// Its shape is that of a run's result, with the steps as one list in the order of their starts:
///
/// ```json
/// {
///   "workflow": "weather", "runId": "…", "status": "success", "startedAt": 1735689600000,
///   "input": { "city": "Oslo" }, "metadata": { }, "ctx": { }, "result": { "text": "…" },
///   "steps": [
///     { "path": "fetch-weather", "stepId": "fetch-weather", "kind": "step", "status": "success",
///       "input": { … }, "output": { … } },
///     { "path": "risk", "stepId": "risk", "kind": "branch", "branchId": "storm", "status": "success", … },
///     { "path": "approve", "stepId": "approve", "kind": "human", "output": { "decision": "send" }, … }
///   ],
///   "signals": [ { "event": "payment", "payload": { … } } ]
/// }
/// ```
///
/// `input`, `status` and `steps` have to be there, and `path` and `status` of each step. A step that failed has `error`
/// (`{ code, message, … }`) in place of `output`; a human step's `output` is the answer of the person. A step whose `kind`
/// is missing counts as a `step`. `finishedAt`, in milliseconds, and `ended`, its place among all ends, let a step end when it
/// ended then. `startedAt` is where the clock of the replay begins, in milliseconds since 1970;
/// `metadata` and `ctx` are those that the run began with. What else stands in the file is left alone.
enum Fixture {
    private static let sizeLimit = 64 << 20

    /// Reads a fixture whose path is relative to a test file.
    static func read(_ name: String, beside testFile: String) -> HostAnswer {
        let path = name.begins(with: "/") ? name : FolderPath.of(testFile) + name
        let folder = FolderPath.of(testFile)
        guard !name.utf8.contains(0), name.utf8.count < 4096, ProjectFolder.contains(path, from: folder) else {
            return .failure(
                code: "no_fixture",
                message: "a recorded run lies in the project of its test; '\(name.prefix(200))' leads out of it")
        }
        switch TextFile.read(path, limit: sizeLimit) {
        case .failure(let failure):
            return .failure(code: "no_fixture", message: "cannot read \(path): \(failure.message)")
        case .success(let bytes):
            do throws(JSONError) {
                let value = try Value(json: String(decoding: bytes, as: UTF8.self))
                if let problem = problem(in: value) {
                    return .failure(code: "invalid_fixture", message: "\(path): \(problem)")
                }
                return .success(value)
            } catch {
                return .failure(code: "invalid_fixture", message: "\(path) is not JSON: \(error.description)")
            }
        }
    }

    /// What a value lacks to be a fixture, or nil.
    private static func problem(in value: Value) -> String? {
        guard let steps = value["steps"]?.array else { return "a recorded run has a list 'steps'" }
        guard value["status"]?.string != nil else { return "a recorded run has a 'status'" }
        for (index, step) in steps.enumerated() where step["path"]?.string == nil || step["status"]?.string == nil {
            return "steps[\(index)] has no 'path' or no 'status'"
        }
        return nil
    }
}
