package import WorkflowEngine

extension LuaScript {
    /// The script and its modules as a store keeps them.
    package var stored: ScriptGeneration {
        ScriptGeneration(
            hash: generationID,
            files: bundle.files.map { file in
                // The script goes by its path; a module by its name and, behind a blank, the path that errors show.
                let name = file.module.isEmpty ? file.path : file.module + " " + file.path
                return ScriptGeneration.File(name: name, content: file.source)
            })
    }
}

extension ScriptBundle {
    /// Reads what ``LuaScript/stored`` wrote; nil if it is something else.
    package init?(stored: ScriptGeneration) {
        guard let script = stored.files.first else { return nil }
        var files = [File(module: "", path: script.name, source: script.content)]
        for file in stored.files.dropFirst() {
            guard let blank = file.name.firstIndex(of: " ") else { return nil }
            files.append(
                File(
                    module: String(file.name[..<blank]), path: String(file.name[file.name.index(after: blank)...]),
                    source: file.content))
        }
        self.init(files: files)
    }
}
