internal import Platform
internal import Synchronization

/// Looks after the runs that an engine drives while they wait, where no ``QueueService`` does.
enum QueueTending {
    /// Between two looks at whether other processes have changed the queue.
    static let interval = Duration.milliseconds(250)

    static func begin(_ live: LiveRuns) {
        guard live.store.keepsQueue, live.bell.beginsTending() else { return }
        let replacing = Replacing()
        Task { [weak live] in
            // What a run that is cancelled takes to be undone holds no others up.
            await withDiscardingTaskGroup { group in
                while let bell = live?.bell, bell.goesOnTending() {
                    let gate = bell.next
                    var pause = interval
                    if let pass = try? await live?.store.admit(.runs(bell.driven), limit: .max) {
                        if pass.told > 0 { pause = .milliseconds(5) }
                        for (run, other) in pass.replaced {
                            guard let live, replacing.begin(run) else { continue }
                            group.addTask { await replacing.cancel(run, for: other, live) }
                        }
                    }
                    _ = await gate.passed(within: pause)
                }
            }
        }
    }

    /// The runs that are to be cancelled because others take their places.
    private final class Replacing: Sendable {
        /// Those of which nothing more is to be done here: they are being cancelled, or have a message.
        private let begun = Mutex<Set<String>>([])
        private let replacements = Replacements()

        func begin(_ run: String) -> Bool { begun.withLock { $0.insert(run).inserted } }

        /// Cancels a run: also one that nobody drives, where the engine knows its code; else whoever takes it up does.
        func cancel(_ run: String, for other: String, _ live: LiveRuns) async {
            do {
                if let directory = try live.engine?.knownRuns() {
                    try await replacements.cancel(run, for: other, in: directory)
                    // Its owner may have died before it was over.
                    return forget(run)
                }
            } catch {}
            do { try await live.cancel(run, reason: Replacements.reason(other)) } catch { forget(run) }
        }

        private func forget(_ run: String) { begun.withLock { _ = $0.remove(run) } }
    }
}
