internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// Processes that cannot be started: the system has none left, or no memory or descriptors for one.
extension VMStation {
    /// In milliseconds; it doubles with each try that fails.
    private static let shortestPause = 50
    private static let longestPause = 5000
    /// With how many failures in a row people are told again.
    private static let noticeInterval = 12

    /// Has runs wait until a process can be started: that it cannot be now is nothing that they did.
    func postpone(_ runs: [HostedRun], _ why: String) {
        if refusals % Self.noticeInterval == 0 {
            pool.options.told("a process for Lua cannot be started: \(why); runs wait for one, and it is tried again")
        }
        for hosted in runs {
            hosted.place = .waiting
            hosted.run.mirror?.isQuiet = true
            if hosted.run.isLost {
                leave(hosted)
            } else if hosted.run.isHeld {
                worker.enqueue(hosted.run)
            } else {
                hosted.isInLine = true
                line.append(hosted)
            }
        }
        if isRefused { return }
        isRefused = true
        let pause = min(Self.shortestPause << min(refusals, 10), Self.longestPause)
        refusals += 1
        Task { [weak self] in
            try? await Task.sleep(for: .milliseconds(pause))
            self?.perform { station in
                station.isRefused = false
                station.moveLine()
            }
        }
    }
}
