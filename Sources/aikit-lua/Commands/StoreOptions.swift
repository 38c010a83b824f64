internal import ArgumentParser

/// Where runs are kept.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the run is kept: a file, or memory.", valueName: "path|memory"))
    var store: String?
}
