internal import ArgumentParser
internal import FlatValue
internal import PostgresJournal
internal import WorkflowCore

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine: steps, foreach, waiting runs, stops, each beside plain Lua.",
        discussion: """
            The ratio to plain Lua, the machine's own lua5.4 measured in the same run, is the figure to look at: it does not
            depend on the machine. It is left out where there is no lua5.4.

            EXAMPLES
              aikit-lua bench
              aikit-lua bench --filter foreach
              aikit-lua bench --json > bench.json
            """)

    @Option(help: "Only rows whose name holds this text.")
    var filter: String?

    @Option(help: "Seconds that each throughput is measured for.")
    var seconds: Double = 1

    @Option(
        help: ArgumentHelp(
            "A database in which durable steps are measured besides; runs are left in it.", valueName: "postgres://…"))
    var store: String?

    @Flag(help: "Print one JSON object a row on standard output.")
    var json = false

    func validate() throws {
        guard seconds > 0, seconds <= 600 else {
            throw ValidationError("--seconds takes a number above 0 and up to 600")
        }
        if let store, !PostgresJournal.isAddress(store) {
            throw ValidationError("--store takes the address of a database, such as postgres://app@127.0.0.1/bench")
        }
    }

    func run() throws {
        let (json, filter, seconds, store) = (json, filter, seconds, store)
        let outcome = waitFor { () async -> Result<Void, any Error> in
            let suite = BenchSuite(
                seconds: seconds,
                report: { row in
                    TextStream.output.writeLine(json ? row.json.json : row.line)
                }, database: store, filter: filter)
            do {
                return .success(try await suite.run())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }
}

extension BenchRow {
    /// The row as a line of the table.
    fileprivate var line: String {
        let figure = value >= 1000 ? grouped(Int64(value.rounded())) : "\((value * 10).rounded() / 10)"
        let share = ratio.map { "\(($0 * 100).rounded() / 100) ×" } ?? ""
        let verdict = reached.map { $0 ? "✓" : "✗" } ?? ""
        return [
            padded(name, 46), padded(figure, 12, left: true), padded(unit, 9), padded(share, 8, left: true),
            padded(goal, 22),
            verdict,
        ].joined(separator: " ")
    }

    private func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return left ? blanks + text : text + blanks
    }

    private func grouped(_ number: Int64) -> String {
        var digits = Array(String(number))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return String(digits)
    }
}
