internal import Platform
internal import Synchronization

/// The process groups of the programs that scripts have started and that have not been waited for. Any thread.
package enum ProgramGroups {
    private struct State {
        var leaders: Set<pid_t> = []
        var isOver = false
    }

    private static let state = Mutex(State())

    /// Takes the leader of a group that has been started; kills the group where the process ends already.
    static func add(_ leader: pid_t) {
        state.withLock { state in
            state.leaders.insert(leader)
            if state.isOver { kill(-leader, SIGKILL) }
        }
    }

    /// Kills a group. Its leader may be waited for then, and not before, as its number may become that of another process.
    ///
    /// Does not return once the process ends: how a program ended that was killed for that is nobody's result.
    static func end(_ leader: pid_t) {
        let isOver = state.withLock { state in
            if state.leaders.remove(leader) != nil { kill(-leader, SIGKILL) }
            return state.isOver
        }
        while isOver { pause() }
    }

    /// Kills all groups, and those that are started later. The process is to exit at once after it.
    package static func endAll() {
        state.withLock { state in
            state.isOver = true
            for leader in state.leaders { kill(-leader, SIGKILL) }
        }
    }
}
