internal import WorkflowEngine

/// Tells why a run waits in the queue of its store.
struct QueueWatch {
    let store: any RunStore
    let run: String

    /// Between two looks at a run of which something has been told.
    private static let interval = Duration.seconds(5)

    /// Returns once the run does not wait any more.
    ///
    /// - Parameter told: gets a line soon, and another one when something has changed.
    func follow(_ told: (String) -> Void) async throws {
        var (last, pause) = ("", Duration.milliseconds(200))
        while true {
            try await Task.sleep(for: pause)
            if let place = try await store.places(of: [run])[run] {
                let text = "queued     " + place.text + place.untilText
                if text != last { told(text) }
                (last, pause) = (text, Self.interval)
            } else if let header = try await store.header(of: run), !header.isHeld {
                return
            }
        }
    }
}
