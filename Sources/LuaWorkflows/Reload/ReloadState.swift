/// What is known of a script's files, and so what is to be done when they may have changed.
struct ReloadState: Sendable {
    enum Decision: Equatable {
        /// The files are as they were at the newest attempt, good or not.
        case nothing
        /// There is something new to load.
        case load
        /// After an attempt that failed the files are again those of the live generation.
        case restore
        /// The script itself has gone.
        case missing
    }

    /// The files of the live generation; nil before there is one.
    private(set) var live: ScriptFootprint?
    /// The files of an attempt after that, which came to nothing.
    private(set) var refused: ScriptFootprint?

    /// Decides by looking again for what the newest attempt looked for.
    func decide(_ look: (ScriptFootprint.Entry) -> ScriptFootprint.Entry) -> Decision {
        guard let newest = refused ?? live else { return .load }
        let now = newest.refreshed(look)
        if now == newest { return .nothing }
        if refused != nil, let live, live.refreshed(look) == live { return .restore }
        return now.lacksScript ? .missing : .load
    }

    /// A new generation is live.
    mutating func took(_ footprint: ScriptFootprint) {
        live = footprint
        refused = nil
    }

    /// What was found could not be loaded; the live generation stays.
    mutating func refused(_ footprint: ScriptFootprint) { refused = footprint }

    mutating func restored() { refused = nil }

    /// Every path whose change may make a difference.
    var paths: [String] {
        var paths: [String] = []
        for path in (live?.paths ?? []) + (refused?.paths ?? []) where !paths.contains(path) { paths.append(path) }
        return paths
    }
}
