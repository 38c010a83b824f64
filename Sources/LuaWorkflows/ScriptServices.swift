package import WorkflowEngine

/// What scripts ask of the system, for a process that has no files. Called on a worker's thread, which waits.
package protocol ScriptServices: Sendable {
    /// What is found under the name of a module.
    func find(module name: String) -> ModuleFinding

    /// The seconds that a time zone is ahead of UTC at a time in seconds since 1970; nil where there is no such zone.
    func offset(ofZone name: String, at time: Int) -> Int?
}

/// What came of looking for a module.
package enum ModuleFinding: Sendable, Equatable {
    /// - path: what errors call the file.
    case found(path: String, source: [UInt8])
    /// - places: where it was looked for, for people.
    case missing(places: String)
    case failed(String)
}

/// Processes that load scripts and run their code, in place of this one.
package protocol ScriptIsolation: RunIsolation {
    /// Loads a script, whose source afterwards knows all files that were looked for, also where it does not load.
    ///
    /// - Parameter isPinned: the files are all that there is.
    func load(
        _ source: ScriptSource, isPinned: Bool
    ) async -> (source: ScriptSource, result: Result<LuaScript, ScriptError>)
}

/// The files of one script as another process asks for them, and what it was given.
package struct ScriptSource: Sendable {
    /// The script first, then the modules that were found, in the order in which they were asked for.
    package private(set) var bundle: ScriptBundle
    /// Every module that was looked for on the disk, found or not.
    private(set) var lookups: [ScriptFootprint.Entry] = []

    /// Reads a script.
    package init(path: String) throws(ScriptError) {
        do throws(ScriptFiles.ReadError) {
            bundle = ScriptBundle(files: [
                ScriptBundle.File(module: "", path: path, source: try ScriptFiles.read(path))
            ])
        } catch {
            throw ScriptError(reading: path, error)
        }
    }

    /// The files that an earlier load kept.
    package init(bundle: ScriptBundle) { self.bundle = bundle }

    /// Looks for a module beside the script, as a load in this process does.
    package mutating func find(module name: String) -> ModuleFinding {
        if let file = bundle.files.dropFirst().first(where: { $0.module == name }) {
            return .found(path: file.path, source: file.source)
        }
        let folder = ScriptFiles.directory(of: bundle.script.path)
        let (found, finding) = ScriptFiles.search(module: name, in: [folder])
        if let found { lookups.append(ScriptFootprint.Entry(found)) }
        if case .found(let path, let source) = finding {
            bundle.files.append(ScriptBundle.File(module: name, path: path, source: source))
        }
        return finding
    }
}
