internal import WorkflowCore

/// Ids for runs: 32 hexadecimal digits in the form of a UUID of version 7, so that they sort by time.
package enum RunIdentifier {
    package static let length = 36
    /// The longest that the engine makes, in bytes.
    static let longest = 512

    /// Why a text cannot be the id of a run, as words behind a name for it; nil where it can.
    ///
    /// An id is 1 to 200 bytes without control characters, and not a path's word for a folder (`.`, `..`): clients take
    /// those out of an address, so no route would reach the run. One that the engine makes of another one has room for what it adds.
    package static func problem(of id: String) -> String? {
        let most = id.utf8.contains(UInt8(ascii: "~")) ? longest : 200
        if !(1...most).contains(id.utf8.count) { return "has to have 1 to \(most) bytes" }
        // Those that the engine makes, and most others.
        if id.utf8.count > 2, id.utf8.allSatisfy({ (32..<127).contains($0) }) { return nil }
        if id.unicodeScalars.contains(where: { $0.value < 32 || (127...159).contains($0.value) }) {
            return "cannot have control characters"
        }
        if id == "." || id == ".." { return "cannot be '\(id)', which no address can hold" }
        return nil
    }

    /// The same for an id that somebody chooses for a new run, which may not be one that the engine gives.
    package static func problem(ofNew id: String) -> String? {
        (id.utf8.count > 200 ? "has to have 1 to 200 bytes" : problem(of: id))
            ?? (id.utf8.contains(UInt8(ascii: "~"))
                ? "cannot have a '~': the engine gives such ids itself, to runs that restart, have a schedule or are started by others"
                : compositionProblem(of: id))
    }

    /// Ids are told apart by their bytes, which two texts that look the same share only where both are composed.
    private static func compositionProblem(of id: String) -> String? {
        if id.isComposed { return nil }
        return
            "has letters of several characters, as an e with an accent of its own: give it in Unicode's form NFC, as by "
            + "normalize(\"NFC\") of most languages"
    }

    package static func check(_ id: String) throws(RunFailure) {
        // Ids with a `~` follow those of runs that are there.
        try refuse(problem(of: id) ?? (id.utf8.contains(UInt8(ascii: "~")) ? nil : compositionProblem(of: id)))
    }

    package static func check(new id: String) throws(RunFailure) { try refuse(problem(ofNew: id)) }

    private static func refuse(_ problem: String?) throws(RunFailure) {
        if let problem { throw RunFailure(code: "invalid_run_id", message: "the id of a run \(problem)") }
    }

    /// Differs from process to process, so that the ids of two of them differ.
    private static let seed = UInt64.random(in: 0...UInt64.max)

    /// Writes an id and a NUL: 37 bytes.
    ///
    /// - Parameters:
    ///   - token: a number that no other id of the process is made of.
    ///   - now: microseconds since 1970.
    package static func fill(_ target: UnsafeMutablePointer<CChar>, token: UInt64, now: Int64) {
        let milliseconds = UInt64(bitPattern: now / 1000)
        // The token spread over 64 bits (splitmix64), so that two ids of a process never agree.
        var mixed = seed &+ token &* 0x9E37_79B9_7F4A_7C15
        let ordinal = mixed
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        let high = milliseconds << 16 | 0x7000 | (ordinal >> 7 & 0x0FFF)
        let low = mixed & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        // 8-4-4-4-12 digits: the two halves as 16 digits each, taken apart where the dashes stand.
        let bytes = UnsafeMutableRawPointer(target)
        let (first, second) = (hexadecimal(UInt32(high >> 32)), hexadecimal(UInt32(truncatingIfNeeded: high)))
        let (third, fourth) = (hexadecimal(UInt32(low >> 32)), hexadecimal(UInt32(truncatingIfNeeded: low)))
        let dash = UInt8(ascii: "-")
        bytes.storeBytes(of: first, toByteOffset: 0, as: UInt64.self)
        bytes.storeBytes(of: dash, toByteOffset: 8, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 13, as: UInt8.self)
        bytes.storeBytes(of: UInt32(second >> 32), toByteOffset: 14, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 18, as: UInt8.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
        bytes.storeBytes(of: dash, toByteOffset: 23, as: UInt8.self)
        bytes.storeBytes(of: UInt32(third >> 32), toByteOffset: 24, as: UInt32.self)
        bytes.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
        bytes.storeBytes(of: 0, toByteOffset: 36, as: UInt8.self)
    }

    /// The eight digits of a word, the first one in the lowest byte: all of them at once, as an id is made for every run.
    static func hexadecimal(_ word: UInt32) -> UInt64 {
        var digits = UInt64(word.byteSwapped)
        digits = (digits & 0xFFFF_0000) << 16 | digits & 0xFFFF
        digits = (digits & 0x0000_FF00_0000_FF00) << 8 | digits & 0x0000_00FF_0000_00FF
        digits = (digits & 0x00F0_00F0_00F0_00F0) >> 4 | (digits & 0x000F_000F_000F_000F) << 8
        // Letters begin 39 places behind the digits.
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }

    package static func make() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            fill(base, token: RunPool.fetchTokens(1).lowerBound, now: SystemClock().now())
            return String(cString: base)
        }
    }
}
