package import FlatValue
internal import WorkflowCore

/// An error that a script or the VM raised, as the bridge reports it.
package struct LuaError: Error, Sendable {
    /// A stable word, such as "error", "syntax", "out_of_memory", "cancelled", or one that the script chose.
    package var code: String
    package var message: String
    /// `file:line` of the nearest frame of the script.
    package var location: String?
    /// One line a frame of the script, without the host's.
    package var traceback: String?

    package init(code: String, message: String, location: String? = nil, traceback: String? = nil) {
        self.code = code
        self.message = message
        self.location = location
        self.traceback = traceback
    }

    /// Reads the error object that a call left in the arena from `offset` on.
    ///
    /// There is none when memory did not suffice even for that.
    package init(_ arena: ByteArena, from offset: Int = 0) {
        guard offset < arena.bytes.count else {
            self.init(code: "out_of_memory", message: "not enough memory for the error")
            return
        }
        let value = ValueCursor(UnsafeRawBufferPointer(rebasing: arena.bytes[offset...]))
        self.init(
            code: value["code"]?.string ?? "error", message: value["message"]?.string ?? "unknown error",
            location: value["where"]?.string, traceback: value["traceback"]?.string)
    }
}

extension LuaError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}
