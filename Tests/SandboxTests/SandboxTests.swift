#if os(Linux)
    import CSandbox
    import CSandboxTesting
    import Platform
    import Testing

    @Suite struct SandboxTests {
        static let attempts = Array(0..<sa_count())
        static let all = UInt32(SB_ALL)

        private func outcome(_ attempt: Int32, locked wanted: UInt32) throws -> sa_outcome {
            var outcome = sa_outcome()
            try #require(sa_try(attempt, wanted, &outcome) == 0)
            return outcome
        }

        /// Whether this kernel gives the filter; without it there is nothing to hold.
        private static var hasFilter: Bool {
            var report = sb_report()
            sb_probe(&report)
            return report.bits & UInt32(SB_SECCOMP) != 0
        }

        @Test("What the probe says of the kernel is what a locked process gets")
        func probe() {
            var report = sb_report()
            sb_probe(&report)
            #expect(report.bits & UInt32(SB_NO_NEW_PRIVILEGES | SB_LIMITS) != 0)
            #expect((report.bits & UInt32(SB_LANDLOCK) != 0) == (report.landlock > 0))
            #expect((report.bits & UInt32(SB_SECCOMP) != 0) == (report.kills != 0))
        }

        @Test("A call that is not in the table ends the process, and opening a file fails", arguments: attempts)
        func escape(_ attempt: Int32) throws {
            guard Self.hasFilter else { return }
            let name = String(cString: sa_name(attempt))
            let outcome = try outcome(attempt, locked: Self.all)
            switch name {
            case "open a file", "make a file": #expect(outcome.signal == 0 && outcome.error == EACCES, "\(name)")
            default: #expect(outcome.signal == SIGSYS, "\(name)")
            }
        }

        @Test("Landlock alone keeps files, programs, connections and other processes away")
        func landlockAlone() throws {
            var report = sb_report()
            sb_probe(&report)
            guard report.landlock > 0 else { return }
            let locks = UInt32(SB_NO_NEW_PRIVILEGES | SB_LANDLOCK)
            var refused = ["open a file", "make a file", "make a folder", "start a program"]
            if report.landlock >= 4 { refused += ["connect", "bind"] }
            for attempt in Self.attempts where refused.contains(String(cString: sa_name(attempt))) {
                let outcome = try outcome(attempt, locked: locks)
                #expect(outcome.signal == 0 && outcome.error == EACCES, "\(String(cString: sa_name(attempt)))")
            }
        }

        @Test("Limits alone keep descriptors from being made")
        func limitsAlone() throws {
            let refused = ["open a file", "make a socket", "make a pipe", "copy a descriptor"]
            for attempt in Self.attempts where refused.contains(String(cString: sa_name(attempt))) {
                let outcome = try outcome(attempt, locked: UInt32(SB_LIMITS))
                #expect(outcome.signal == 0 && outcome.error == EMFILE, "\(String(cString: sa_name(attempt)))")
            }
        }
    }
#endif
