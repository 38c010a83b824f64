internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// The sentences of a dev session.
enum DevText {
    /// How many files are named before the rest is counted.
    private static let namedFiles = 4

    /// `reloaded gen 7 (weather.lua, lib/fmt.lua) in 3 ms; 2 runs stay on gen 6`
    static func reloaded(
        _ generation: Int, changed files: [String], microseconds: Int64, staying: [(generation: Int, runs: Int)]
    ) -> String {
        let verb = generation == 1 ? "loaded" : "reloaded"
        var named = files.prefix(namedFiles).joined(separator: ", ")
        if files.count > namedFiles { named += " and \(files.count - namedFiles) more" }
        let cause = named.isEmpty ? "" : " (\(named))"
        var text = "\(verb) gen \(generation)\(cause) in \(elapsedText(microseconds: microseconds))"
        if !staying.isEmpty {
            let parts = staying.enumerated().map { index, entry in
                let verb = entry.runs == 1 ? "stays" : "stay"
                return "\(counted(entry.runs, "run")) \(verb) on gen \(entry.generation)"
            }
            text += "; " + parts.joined(separator: ", ")
        }
        return text
    }

    static func refused(live generation: Int?) -> String {
        guard let generation else { return "nothing is live yet; waiting for the next save" }
        return "gen \(generation) stays live; waiting for the next save"
    }

    static func missing(_ path: String, live generation: Int?) -> String {
        guard let generation else { return "\(path) has gone; waiting for it to come back" }
        return "\(path) has gone; gen \(generation) stays live until it comes back"
    }

    static func restored(_ generation: Int) -> String {
        "gen \(generation) again: the files are what it was loaded from"
    }

    static func input(_ input: Value, of run: String) -> String {
        "the input is that of run \(run), which failed: \(input.json)"
    }

    /// How a run ended that is not the one on the screen.
    static func ended(_ run: DevRuns.Entry, status: String) -> String {
        let verb = status == "success" ? "succeeded" : status == "cancelled" ? "was cancelled" : "failed"
        return "run \(run.number) on gen \(run.generation) \(verb)"
    }

    static let polls =
        "the system has no file watches left (fs.inotify.max_user_watches), so the files are looked at ten times a second"

    /// While a run is under way.
    static let runningKeys = "c cancel · r run again · q quit · ? help"

    static let keys = "r run again · i input · c cancel · g graph · q quit · ? help"

    static let help = """
          r  run again from the start with the same input (Enter too)
          i  edit the input, then run
          c  cancel the runs under way
          g  show the steps of the workflow
          q  quit
          ?  show this
        Saving the script or one of its modules runs it again, from the first step that changed.
        """
}
