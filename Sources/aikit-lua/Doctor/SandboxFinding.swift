internal import CSandbox

/// What the system gives to lock processes with in which Lua runs.
enum SandboxFinding {
    static var finding: Finding {
        var report = sb_report()
        sb_probe(&report)
        return finding(report)
    }

    static func finding(_ report: sb_report) -> Finding {
        func has(_ bit: Int) -> Bool { report.bits & UInt32(bit) != 0 }
        let isFiltered = has(SB_SECCOMP) && report.kills != 0
        var (given, missing): ([String], [String]) = ([], [])
        func note(_ isGiven: Bool, _ name: String) { if isGiven { given.append(name) } else { missing.append(name) } }
        note(isFiltered, "a filter of system calls (seccomp)")
        note(has(SB_LANDLOCK), report.landlock > 0 ? "Landlock \(report.landlock)" : "Landlock")
        note(has(SB_LIMITS), "limits")
        var finding = Finding(name: "isolation", text: given.joined(separator: ", "))
        guard !missing.isEmpty else { return finding }
        finding.text += (given.isEmpty ? "without " : "; without ") + missing.joined(separator: " and ")
        finding.state = .doubtful
        finding.advice =
            isFiltered
            ? "Files are kept away by the filter alone; Landlock needs Linux 5.13 or newer with it switched on."
            : "Processes in which Lua runs are apart, but the system does not lock them: Linux with seccomp does."
        return finding
    }
}
