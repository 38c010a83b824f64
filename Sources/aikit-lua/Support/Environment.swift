internal import Platform

/// The system's words for an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// The value of an environment variable, or nil.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// A path by which this very program is started once more, in this version, also where its file was replaced or removed meanwhile; the
/// word that it was started by where the system does not tell.
var programPath: String {
    #if os(Linux)
        // A child has the file of its parent there until it starts another program.
        let own = "/proc/self/exe"
        return access(own, X_OK) == 0 ? own : CommandLine.arguments[0]
    #else
        return CommandLine.arguments[0]
    #endif
}
