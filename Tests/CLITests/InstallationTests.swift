import Foundation
import Testing

extension CommandLine {
    /// What `make install` puts beside the program.
    struct InstallationTests {
        /// Runs a command of the system; nil where it is not there.
        private func run(_ name: String, _ arguments: [String], input: String) throws -> Program.Outcome? {
            let path = ["/usr/bin/\(name)", "/bin/\(name)"].first { FileManager.default.isExecutableFile(atPath: $0) }
            guard let path else { return nil }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            let (given, output, errors) = (Pipe(), Pipe(), Pipe())
            (process.standardInput, process.standardOutput, process.standardError) = (given, output, errors)
            try process.run()
            let reader = Reader(errors.fileHandleForReading)
            let result = Reader(output.fileHandleForReading)
            given.fileHandleForWriting.write(Data(input.utf8))
            try given.fileHandleForWriting.close()
            let (text, complaints) = (result.wait(), reader.wait())
            process.waitUntilExit()
            return Program.Outcome(
                status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
                errors: String(decoding: complaints, as: UTF8.self))
        }

        @Test func `the manual page describes every command, and groff has nothing to say against it`() throws {
            let program = try Program()
            defer { program.remove() }
            let page = try program.run("manual")
            #expect(page.status == 0)
            #expect(page.output.hasPrefix(".TH \"AIKIT\\-LUA\" \"1\""))
            let commands =
                try program.run("no-such-command").errors.split(separator: "\n")
                .first { $0.contains("commands: ") }?.split(separator: " ").dropFirst() ?? []
            #expect(commands.count > 8)
            for command in commands { #expect(page.output.contains(".SS \"aikit\\-lua \(command)"), "\(command)") }
            if let set = try run("groff", ["-man", "-Tutf8", "-ww", "-z"], input: page.output) {
                #expect(set.errors.isEmpty)
                #expect(set.status == 0)
            }
        }

        @Test func `completions know commands, options and their values`() throws {
            let program = try Program()
            defer { program.remove() }
            let script = try program.run("--generate-completion-script", "bash").output
            let session = """
                \(script)
                complete_line() {
                    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
                    _aikit-lua aikit-lua "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
                    printf '%s\\n' "$(printf '%s ' "${COMPREPLY[@]}" | tr -s ' ')"
                }
                complete_line aikit-lua te
                complete_line aikit-lua run --allow-n
                complete_line aikit-lua init --template hum
                complete_line aikit-lua test --reporter j
                """
            let outcome = try #require(try run("bash", ["--norc"], input: session))
            #expect(
                outcome.output.split(separator: "\n").map { $0.filter { $0 != " " } }
                    == ["test", "--allow-net", "human-approval", "junit"], "\(outcome.errors)")
            for shell in ["zsh", "fish"] {
                let text = try program.run("--generate-completion-script", shell).output
                for word in ["human-approval", "allow-net", "reporter"] {
                    #expect(text.contains(word), "\(shell): \(word)")
                }
            }
        }
    }
}
