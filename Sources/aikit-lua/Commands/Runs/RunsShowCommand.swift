internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

struct RunsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all that a run recorded: its steps, their inputs and outputs, what it waits for.",
        discussion: """
            The code is the one that the run began with; the text says whether the files have changed since. With --json
            the run is one object: what run --events gives as its result, and { runId, workflowId, input, generation,
            lineage?, waits, owner? } besides. What schemas call secret is shown as [secret]; programs get it unless they say
            --redact.

            EXAMPLES
              aikit-lua runs show order-7
              aikit-lua runs show order-7 --full
              aikit-lua runs show order-7 --json | jq '.steps.translate[0].input'
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var store: StoreChoice

    @Flag(help: "Show values and long lists of steps whole.")
    var full = false

    @Flag(help: "Print the run as a JSON object.")
    var json = false

    @Flag(help: "With --json: without what schemas call secret.")
    var redact = false

    func run() throws {
        let (id, redacts) = (target.run, redact || !json)
        let (isWhole, isJSON) = (full, json)
        try store.withRuns(looking: true) { runs in
            let header = try await runs.find(id)
            let (code, place) = (try await runs.code(of: header), try await runs.journal.place(of: header))
            let record = try await runs.load(header)
            try record.telling(isJSON || isWhole ? nil : 0) {
                let inspection = RunInspection(
                    header: header, record: record, code: code, place: place, store: runs.path, redacts: redacts)
                if isJSON {
                    TextStream.output.writeLine(inspection.value.prettyJSON)
                } else {
                    TextStream.output.write(RunDescription(inspection, stream: .output, isFull: isWhole).text)
                }
            }
        }
    }
}
