internal import WorkflowCore

/// How the tables write a run's status. Numbers from ``firstTerminal`` on are final.
extension RunMachine.Status {
    static let firstTerminal: Int64 = 4

    var number: Int64 {
        switch self {
        case .queued: 0
        case .running: 1
        case .waiting: 2
        case .waitingHuman: 3
        case .success: 4
        case .failed: 5
        case .cancelled: 6
        }
    }

    /// A number that no version of the schema knows is taken for a failure of the run.
    init(number: Int64) { self = Self.allCases.first { $0.number == number } ?? .failed }
}
