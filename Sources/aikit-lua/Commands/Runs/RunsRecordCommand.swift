internal import ArgumentParser
internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

struct RunsRecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Turn a run into a fixture and a test that replays it.",
        discussion: """
            DIR gets RUN.json, with the run's input, steps and result, and RUN_test.lua for aikit-lua test: it runs the
            workflow of now with the recorded results in place of the steps, and names the first step that goes otherwise.
            The fixture holds whatever the steps got and gave; look at it before it goes where others can read it.

            EXAMPLES
              aikit-lua runs record order-7 tests
              aikit-lua test tests
            """)

    @OptionGroup var target: RunChoice

    @Argument(
        help: ArgumentHelp("Where the files are written; made if it is not there.", valueName: "dir"),
        completion: .directory)
    var folder: String

    @Flag(help: "Replace files that are there.")
    var force = false

    @OptionGroup var store: StoreChoice

    func run() throws {
        let id = target.run
        let fixture = try store.withRuns(looking: true) { runs in
            let header = try await runs.find(id)
            guard header.status == .success || header.status == .failed else {
                let why = header.status == .cancelled ? "was cancelled" : "is not over (\(header.status.rawValue))"
                throw UsageError("run \(header.id) \(why); a test can replay runs that succeeded or failed")
            }
            let engine = WorkflowEngine(workers: 1)
            defer { engine.shutdown() }
            let code = try await runs.code(of: header)
            let script = try await LuaScript.load(bundle: code, on: engine, options: StoredRuns.quietOptions)
            return RunFixture(
                header: header, record: try await runs.load(header), script: code.script.path,
                workflows: script.workflows.count)
        }
        let test = try fixture.test()
        let base = folder.hasSuffix("/") ? folder : folder + "/"
        if mkdir(folder, 0o777) != 0, errno != EEXIST {
            throw UsageError("\(folder) cannot be made: \(systemMessage(errno))")
        }
        let files = [
            (base + fixture.name + ".json", try fixture.json()), (base + fixture.name + "_test.lua", test),
        ]
        if !force, let there = files.first(where: { access($0.0, F_OK) == 0 }) {
            throw UsageError("\(there.0) is there already; --force replaces it")
        }
        for (path, text) in files {
            try write(text, to: path)
            TextStream.errors.writeLine("wrote \(path)")
        }
    }

    private func write(_ text: String, to path: String) throws(UsageError) {
        guard let file = fopen(path, "w") else {
            throw UsageError("\(path) cannot be written: \(systemMessage(errno))")
        }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten else {
            throw UsageError("\(path) cannot be written: \(systemMessage(errno))")
        }
    }
}
