package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// What the host offers a VM for synchronous use: functions that answer at once, and the sources of modules.
///
/// Both are called on the VM's thread, from inside Lua: they may not call into the VM, and they may not throw.
package protocol LuaHost: AnyObject {
    /// Answers `op` by appending one flat value to `response`: the result (true), or an error object (false).
    func answer(op: UnsafeRawBufferPointer, payload: ValueCursor, response: inout ByteArena) -> Bool

    /// Finds the source of a module that a script requires.
    func findModule(named name: String) -> LuaModuleLookup

    /// What scripts take the time from; the machine's by default.
    var clock: any EngineClock { get }
}

extension LuaHost {
    package var clock: any EngineClock { SystemClock() }
}

/// Where a required module was found.
package enum LuaModuleLookup: Sendable {
    /// `chunkName` is "@" and the path that errors show.
    case found(source: [UInt8], chunkName: String)
    /// `places` says in words where it was looked for.
    case notFound(places: String)
    /// The module cannot be read, and why.
    case failed(message: String)
}
