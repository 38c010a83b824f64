internal import Platform

/// The system's words for an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// The value of an environment variable, or nil.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// Where this program lies, to start it once more; the word that it was started by where the system does not tell.
var programPath: String {
    #if os(Linux)
        guard let path = realpath("/proc/self/exe", nil) else { return CommandLine.arguments[0] }
        defer { free(path) }
        return String(cString: path)
    #else
        return CommandLine.arguments[0]
    #endif
}
