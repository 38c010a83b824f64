package import FlatValue

/// What becomes of a request to a hook and of what the hook's functions return of it: the same in a server and in a test.
package enum HookReading {
    /// The body as JSON, whatever its type; nil where it is none and does not say that it is.
    ///
    /// - Parameter type: the content type of the request; nil for none.
    package static func json(_ body: String, type: String?) throws(JSONError) -> Value? {
        do throws(JSONError) {
            return try Value(json: body)
        } catch {
            guard let type, isJSON(type) else { return nil }
            throw error
        }
    }

    /// Whether a content type is one of JSON.
    package static func isJSON(_ type: String) -> Bool {
        if type == "application/json" { return true }
        let essence = type.lowercased().prefix { $0 != ";" }.filter { $0 != " " }
        return essence == "application/json" || essence.hasSuffix("+json") && !essence.contains(",")
    }

    /// The id that `run_id` returned for the new run, which a number may be as well; nil where it returned none.
    package static func runID(_ returned: Value) throws(RunFailure) -> String? {
        if returned.isNull { return nil }
        let id = returned.string ?? returned.int.map { String($0) } ?? ""
        if let problem = RunIdentifier.problem(ofNew: id) {
            throw RunFailure(code: "invalid_run_id", message: "what `run_id` returns \(problem)")
        }
        return id
    }

    /// What `signal` returned: the run, the event and what comes with it; nil where nothing is to come of the request.
    package static func signal(_ returned: Value) throws(RunFailure) -> (run: String, event: String, data: Value)? {
        guard let id = returned["run_id"], !id.isNull else { return nil }
        guard let run = id.string ?? id.int.map({ String($0) }), let event = returned["event"]?.string else {
            throw RunFailure(code: "invalid_hook", message: "`signal` has to return the id of a run and an event")
        }
        return (run, event, returned["data"] ?? .null)
    }
}
