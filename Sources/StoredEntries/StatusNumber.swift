package import WorkflowCore

/// How stores write a run's status. Numbers from ``firstTerminal`` on are final.
extension RunMachine.Status {
    package static let firstTerminal: Int64 = 4

    package var number: Int64 {
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

    /// Nil for a number that this version does not know.
    package init?(number: Int64) {
        guard let status = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = status
    }
}
