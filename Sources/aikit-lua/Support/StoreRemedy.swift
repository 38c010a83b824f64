internal import WorkflowEngine

extension JournalError {
    /// The message with what helps, by the options and commands of this program.
    var told: String { message + (remedy?.words ?? "") }
}

extension RunFailure {
    /// The message; that of a store with what helps.
    var told: String {
        guard let stored = cause as? JournalError, stored.message == message else { return message }
        return stored.told
    }
}

extension JournalError.Remedy {
    /// What stands behind the message.
    fileprivate var words: String {
        switch self {
        case .otherStore: " with --store"
        case .storeInMemory: "; --store memory keeps runs in memory"
        case .room:
            ", remove runs that are over with 'aikit-lua runs prune --older-than 1d', or choose another place with --store"
        case .check: ", and 'aikit-lua runs check' names all that is damaged"
        case .verification: " ('aikit-lua runs verify')"
        case .looking: "; 'aikit-lua runs list', 'show' and 'check' look at it as it is"
        case .vacuum: " and prune with --vacuum again"
        }
    }
}
