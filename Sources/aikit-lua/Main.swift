internal import ArgumentParser

@main
struct AikitLua: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "aikit-lua", abstract: "Runs workflows written in Lua.")
}
