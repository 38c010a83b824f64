internal import CPrelude

/// Scripts that come with the program.
package enum BundledScript {
    /// The workflow that evaluates what is typed into a REPL.
    package static var repl: String { source("repl") }

    private static func source(_ name: String) -> String {
        guard let part = prelude_find(name, name.utf8.count) else { preconditionFailure("the script is missing") }
        let source = UnsafeRawBufferPointer(start: part.pointee.source, count: part.pointee.length)
        return String(decoding: source, as: UTF8.self)
    }
}
