/// Keeping the code that runs were started with.
package protocol GenerationStore: AnyObject, Sendable {
    /// Keeps a generation; one that is there already is left as it is.
    ///
    /// It stays as long as a run belongs to it or this journal is open.
    func save(_ generation: ScriptGeneration) async throws(JournalError)

    /// The generation of a hash, with the contents of all of its files, or nil.
    func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration?
}

/// A script with all the modules that it requires, as they were when it was loaded.
package struct ScriptGeneration: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        /// As the script names it: the path of the script, the name of a module.
        package var name: String
        package var content: [UInt8]

        package init(name: String, content: [UInt8]) {
            self.name = name
            self.content = content
        }
    }

    /// Of the names and contents; made by whoever loads the script.
    package var hash: String
    /// The script first.
    package var files: [File]

    package init(hash: String, files: [File]) {
        self.hash = hash
        self.files = files
    }
}
