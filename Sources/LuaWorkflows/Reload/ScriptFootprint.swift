/// All that the loading of a script looked for on the disk, and what was there: as long as that is the same, loading it again
/// comes to the same.
struct ScriptFootprint: Equatable, Sendable {
    /// One file that was looked for.
    struct Entry: Equatable, Sendable {
        /// The name by which it is required; empty for the script itself.
        var module: String
        /// Where it lies; of what is missing, where it is looked for first.
        var path: String
        /// The content's hash, or why there is none.
        var state: State

        enum State: Equatable, Sendable {
            case content(hash: String)
            case absent(ScriptFiles.ReadError)
        }

        init(module: String, path: String, state: State) {
            self.module = module
            self.path = path
            self.state = state
        }

        init(_ found: ScriptFiles.Found) {
            module = found.module
            path = found.path
            switch found.content {
            case .success(let source): state = .content(hash: ScriptBundle.File.hash(of: source))
            case .failure(let error): state = .absent(error)
            }
        }
    }

    /// The script first, then the modules in the order in which they were required.
    var entries: [Entry]

    var script: Entry { entries[0] }

    /// Whether the script itself is not there.
    var lacksScript: Bool { script.state == .absent(.missing) }

    /// Why files could not be looked at for want of a file descriptor; nil where all could.
    var shortage: ScriptError? {
        entries.lazy.compactMap { entry in
            guard case .absent(.noDescriptor(let why)) = entry.state else { return nil }
            return ScriptError(reading: entry.path, .noDescriptor(why))
        }.first
    }

    /// The paths of the files that were found.
    var files: [String] {
        entries.compactMap { entry in
            if case .content = entry.state { entry.path } else { nil }
        }
    }

    /// The same names, looked for again.
    func refreshed(_ look: (Entry) -> Entry) -> ScriptFootprint { ScriptFootprint(entries: entries.map(look)) }

    /// The paths at which something differs from `old`.
    func changes(since old: ScriptFootprint) -> [String] {
        entries.filter { entry in
            guard let before = old.entries.first(where: { $0.module == entry.module }) else { return true }
            return before.path != entry.path || before.state != entry.state
        }.map(\.path)
    }

    /// Every path that may change what is found: also those at which something is missing that would go first.
    var paths: [String] {
        let directory = ScriptFiles.directory(of: script.path)
        return [script.path]
            + entries.dropFirst().flatMap { entry in
                let candidates = ScriptFiles.candidates(for: entry.module, besideScript: directory)
                guard case .content = entry.state, let end = candidates.firstIndex(of: entry.path) else {
                    return candidates
                }
                return Array(candidates[...end])
            }
    }
}
