internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make the tokens by which clients may use a server.",
        discussion: """
            Tokens belong to a store; of each only a hash is kept, so its text is shown once. A server whose store has
            tokens wants one of them with every request.

            EXAMPLES
              aikit-lua token create --name ci --role run --expires 90d
              aikit-lua token list
              aikit-lua token revoke 3fk2m1x9aq
            """,
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

/// The store whose tokens a command is about; one that is not there yet is made.
struct TokenStoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the runs are kept: a file, or the address of a database; the nearest \(StoreLocation.usual), else a new "
                + "one, unless given.",
            valueName: "path|postgres://…"), transform: namedPath)
    var store: String?

    /// - Parameter looking: changes nothing, so that the store need not be writable.
    func withStore<Result: Sendable>(
        looking: Bool = false, _ body: @escaping @Sendable (any LastingStore) async throws -> Result
    ) throws -> Result {
        // The first token may well come before the first run.
        let path: String
        if let store {
            path = try StoreLocation.existing(store)
        } else {
            path = (try? StoreLocation.existing(nil)) ?? StoreLocation.usual
        }
        let place = StoreLocation.at(path)
        guard let journal = try looking ? place.openForLooking(creates: true) : place.open(creates: true) else {
            throw UsageError("tokens need a store in a file")
        }
        let result: Swift.Result<Result, any Error> = waitFor {
            let result: Swift.Result<Result, any Error>
            do {
                result = .success(try await body(journal))
            } catch {
                result = .failure(error)
            }
            await journal.close()
            return result
        }
        return try result.get()
    }
}

struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a token and print it.",
        discussion: """
            --name and --role are required. The token is good for all workflows and for ever unless --workflow and --expires say
            otherwise.

            EXAMPLES
              aikit-lua token create --name ci --role run --expires 90d
              aikit-lua token create --name desk --role read --workflow orders --store runs.db
            """)

    @Option(help: ArgumentHelp("Whose it is, for people.", valueName: "text"))
    var name: String

    @Option(
        help: ArgumentHelp(
            "read sees, run starts, answers, signals and cancels too, admin does all.", valueName: "read|run|admin"))
    var role: String

    @Option(help: ArgumentHelp("Only for these workflows.", valueName: "id"))
    var workflow: [String] = []

    @Option(help: ArgumentHelp("How long it is good; for ever unless given.", valueName: "duration"))
    var expires: String?

    @OptionGroup var store: TokenStoreOptions

    func run() throws {
        guard let role = AccessToken.Role(rawValue: role) else {
            throw UsageError("--role takes read, run or admin, got '\(role)'")
        }
        // None at all means all of them.
        for id in workflow where id.isEmpty || id.has(byte: ",") || ShownText.line(id) != id {
            throw UsageError(
                "--workflow takes the id of one workflow, and may be given again; got '\(ShownText.line(id))'")
        }
        let now = SystemClock().now()
        var end: Int64 = 0
        if let expires {
            guard let time = DurationText.microseconds(expires), time > 0 else {
                throw UsageError("--expires takes a duration such as 90d, got '\(expires)'")
            }
            end = now.addingReportingOverflow(time).overflow ? 0 : now + time
        }
        let made = TokenSecret.make(name: name, role: role, workflows: workflow, expiresAt: end, now: now)
        try store.withStore { try await $0.add(made.token) }
        let span = end == 0 ? "for ever" : "until \(TimeText.text(microseconds: end))"
        TextStream.errors.writeLine(
            "token \(made.token.id) of '\(name)' (\(role.rawValue), \(span)); it is not shown again")
        TextStream.output.writeLine(made.text)
    }
}

struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the tokens of a store.",
        discussion: """
            EXAMPLES
              aikit-lua token list
              aikit-lua token list --json --store runs.db
            """)

    @Flag(help: "Print them as JSON.")
    var json = false

    @OptionGroup var store: TokenStoreOptions

    func run() throws {
        let tokens = try store.withStore(looking: true) { try await $0.tokens() }
        if json {
            let values = tokens.map { token in
                [
                    "id": Value(token.id), "name": Value(token.name), "role": Value(token.role.rawValue),
                    "workflows": Value(array: token.workflows.map { Value($0) }),
                    "expiresAt": token.expiresAt == 0 ? .null : Value(token.expiresAt / 1000),
                    "createdAt": Value(token.createdAt / 1000),
                ] as Value
            }
            return TextStream.output.writeLine(Value(array: values).prettyJSON)
        }
        if tokens.isEmpty { return TextStream.errors.writeLine("no tokens") }
        for token in tokens {
            let end = token.expiresAt == 0 ? "never expires" : "until " + TimeText.text(microseconds: token.expiresAt)
            let scope = token.workflows.isEmpty ? "" : "  only " + token.workflows.joined(separator: ", ")
            TextStream.output.writeLine("\(token.id)  \(token.role.rawValue)  \(token.name)  \(end)\(scope)")
        }
    }
}

struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a token back; a running server refuses it within seconds.",
        discussion: """
            EXAMPLES
              aikit-lua token revoke 3fk2m1x9aq
            """)

    @Argument(help: ArgumentHelp("The token's id, as the list shows it.", valueName: "id"))
    var id: String

    @OptionGroup var store: TokenStoreOptions

    func run() throws {
        let id = id
        guard try store.withStore({ try await $0.removeToken(id) }) else {
            throw UsageError("there is no token '\(id)'")
        }
        TextStream.errors.writeLine("token \(id) is revoked")
    }
}
