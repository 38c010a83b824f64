import Testing
import WorkflowEngine

@testable import aikit_lua

@Suite("What helps with a store")
struct StoreRemedyTests {
    @Test(
        arguments: [
            (.otherStore, "name another one with --store"),
            (
                .room,
                "free space, remove runs that are over with 'aikit-lua runs prune --older-than 1d', "
                    + "or choose another place with --store"
            ),
            (.check, "other runs are not affected, and 'aikit-lua runs check' names all that is damaged"),
            (nil, "check the disk"),
        ] as [(JournalError.Remedy?, String)])
    func `is said in the words of the command line, also of an error that a run ends with`(
        remedy: JournalError.Remedy?, told: String
    ) {
        let message = String(told.prefix { $0 != "," }).replacing(" with --store", with: "")
        let error = JournalError(code: .storeFailed, message: message, remedy: remedy)
        #expect(error.told == told)
        #expect(RunFailure(code: error.code, message: message, cause: error).told == told)
        #expect(RunFailure(code: "other", message: "another", cause: error).told == "another")
        #expect(problems(of: error).map(\.message) == [told])
    }
}
