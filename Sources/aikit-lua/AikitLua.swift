internal import ArgumentParser
internal import WorkflowEngine

/// The root of all commands.
struct AikitLua: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aikit-lua",
        abstract: "Runs workflows whose steps are Lua functions.",
        discussion: """
            Results go to standard output, everything for people to standard error.
            Exit status: 0 success, 1 the run failed, 2 wrong usage or script, 3 it is not over: it waits, or was let go, \
            129, 130 and 143 stopped by the end of the terminal, Ctrl-C and SIGTERM.

            EXAMPLES
              aikit-lua run hello.lua --input '{"name":"Ada"}'
              aikit-lua check workflows/*.lua
              aikit-lua graph weather.lua --format mermaid
            """,
        version: engineVersion,
        subcommands: [
            RunCommand.self, DevCommand.self, ReplCommand.self, ResumeCommand.self, SignalCommand.self,
            RunsCommand.self, StoreCommand.self, ServeCommand.self, MCPCommand.self, TokenCommand.self,
            SchedulesCommand.self,
            CheckCommand.self, GraphCommand.self, SchemaCommand.self, TestCommand.self, InitCommand.self,
            TortureCommand.self,
            TypesCommand.self, DoctorCommand.self, BenchCommand.self, ManualCommand.self,
        ])
}
