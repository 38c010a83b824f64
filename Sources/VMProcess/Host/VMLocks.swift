internal import CSandbox

/// What holds a VM process.
enum VMLocks {
    /// The locks that are missing, for people; empty for none.
    static func missing(_ bits: UInt32) -> String {
        let names = [
            (SB_SECCOMP, "the filter of system calls (seccomp)"), (SB_LANDLOCK, "Landlock"), (SB_LIMITS, "limits"),
            (SB_NO_NEW_PRIVILEGES, "no new privileges"),
        ]
        return names.filter { bits & UInt32($0.0) == 0 }.map(\.1).joined(separator: ", ")
    }
}
