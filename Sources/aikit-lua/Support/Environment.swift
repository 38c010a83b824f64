#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The system's words for an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// The value of an environment variable, or nil.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
