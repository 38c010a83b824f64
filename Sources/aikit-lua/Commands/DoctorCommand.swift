internal import ArgumentParser

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "doctor", abstract: "Say what the program runs on, and what is known to be wrong with it.")

    func run() throws {}
}
