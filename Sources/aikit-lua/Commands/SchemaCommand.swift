internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import Platform
internal import WorkflowCore

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Work with JSON Schemas (draft 2020-12).",
        subcommands: [SchemaValidateCommand.self, SchemaExportCommand.self])
}

struct SchemaValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Say whether JSON fits a schema.",
        discussion: """
            Exit status: 0 valid, 1 invalid, with every issue and its JSON pointer, 2 the schema cannot be used, or not in time.
            With --batch every line of the input is an instance, or {"schema":…,"instance":…} where no schema is given, and
            one JSON verdict a line is printed; the status is the worst of all lines.

            EXAMPLES
              aikit-lua schema validate city.schema.json city.json
              curl -s https://example.com/cities.ndjson | aikit-lua schema validate city.schema.json --batch
              aikit-lua schema validate --batch < pairs.ndjson
            """)

    @Argument(
        help: "The schema, a file or - for standard input.", completion: .file(extensions: ["json"]),
        transform: namedPath)
    var schema: String?

    @Argument(
        help: "The instance, a file or - for standard input, which is the default.", completion: .file(),
        transform: namedPath)
    var instance: String?

    @Flag(help: "Judge every line of the input.")
    var batch = false

    @Option(help: "How verdicts are printed: text or json.")
    private var format: VerdictFormat?

    @Option(
        name: .customLong("document"), help: "A further schema that references may name by its $id (repeatable).",
        completion: .file(extensions: ["json"]),
        transform: namedPath)
    var documents: [String] = []

    @Flag(help: "Refuse what does not have its 'format'; otherwise formats are only notes.")
    var assertFormats = false

    @Option(help: ArgumentHelp("How long one instance may take; 0 for any time.", valueName: "duration"))
    var timeout = "10s"

    func validate() throws {
        if !batch, schema == nil { throw ValidationError("a schema is missing") }
        if schema == "-", instance == nil || instance == "-", !batch {
            throw ValidationError("the schema and the instance cannot both come from standard input")
        }
    }

    func run() throws {
        var report = SchemaCommandReport(options: try options())
        guard let limit = DurationText.microseconds(timeout) else {
            throw UsageError("--timeout takes a duration such as 500ms, 30s or 5m, got '\(timeout)'")
        }
        if limit > 0 {
            report.watch = {
                let start = monotonicNanoseconds()
                return { (monotonicNanoseconds() - start) / 1000 < limit }
            }
        }
        let status = batch ? try judgeLines(&report) : try judgeOne(&report)
        if status != .valid { throw ExitCode(status.rawValue) }
    }

    private func options() throws -> Schema.Options {
        var options = Schema.Options(assertsFormats: assertFormats)
        for path in documents { options.registry.register(try document(path)) }
        return options
    }

    private func judgeOne(_ report: inout SchemaCommandReport) throws -> SchemaCommandReport.Status {
        let schema = try document(schema ?? "-")
        // Before the instance is waited for: without a schema there is nothing to say of it.
        let early = report.validate(schema: schema, instance: Value.null)
        if early.status == .badSchema { return tell(early, format?.format ?? .text) }
        let instance = try bytes(of: instance ?? "-")
        let verdict = instance.withUnsafeBytes { report.validate(schema: schema, instance: $0) }
        return tell(verdict, format?.format ?? .text)
    }

    private func judgeLines(_ report: inout SchemaCommandReport) throws -> SchemaCommandReport.Status {
        let hasPairs =
            instance == nil && (schema.map { $0 == "-" || $0.hasSuffix(".ndjson") || $0.hasSuffix(".jsonl") } ?? true)
        let shared = hasPairs ? nil : try schema.map(document)
        let input = (hasPairs ? schema : instance) ?? "-"
        // Lines are judged as they come, so that the command can stand in a pipe.
        guard let file = input == "-" ? fdopen(STDIN_FILENO, "r") : fopen(input, "r") else {
            throw UsageError("\(input) cannot be read: \(FileText.Failure.system(errno).message)")
        }
        defer { fclose(file) }
        var worst = SchemaCommandReport.Status.valid
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            var length = getline(&line, &capacity, file)
            guard length > 0, let line else { return worst }
            if line[length - 1] == CChar(UInt8(ascii: "\n")) { length -= 1 }
            if length == 0 { continue }
            let verdict = report.validate(line: UnsafeRawBufferPointer(start: line, count: length), schema: shared)
            let status = tell(verdict, format?.format ?? .json)
            if status.rawValue > worst.rawValue { worst = status }
        }
    }

    private func tell(
        _ verdict: SchemaCommandReport.Verdict, _ format: SchemaCommandReport.Format
    ) -> SchemaCommandReport.Status {
        TextStream.output.writeLine(verdict.text(format))
        return verdict.status
    }

    private func document(_ path: String) throws -> Value {
        let bytes = try bytes(of: path)
        do {
            return try bytes.withUnsafeBytes { try Value(json: $0) }
        } catch {
            throw UsageError("\(path) is not JSON: \(error)")
        }
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let limit = Value.maximumByteCount
        switch path == "-"
            ? FileText.read(descriptor: 0, limit: limit) : FileText.read(path, limit: limit, takesStreams: true)
        {
        case .success(let bytes): return bytes
        case .failure(let failure): throw UsageError("\(path) cannot be read: \(failure.message)")
        }
    }
}

/// The values of `--format`.
private enum VerdictFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    var format: SchemaCommandReport.Format { self == .text ? .text : .json }
}
