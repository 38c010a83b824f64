internal import CPCRE2
internal import Synchronization

/// A compiled ECMA-262 regular expression (Unicode mode), searched for anywhere in a text.
///
/// Work is bounded: a search that would take long gives up instead of hanging. Any thread may use one pattern.
package final class Pattern: Sendable {
    package enum Answer: Equatable {
        case found
        case absent
        /// The search took more steps than are allowed, or the text is not UTF-8.
        case gaveUp
    }

    /// Why an expression cannot be used.
    package struct SyntaxError: Error, Equatable {
        package let message: String

        static let noMemory = SyntaxError(message: "there is no memory for it")
    }

    /// Backtracking steps of one search: about ten milliseconds.
    private static let stepLimit: UInt32 = 500_000
    /// Those of a search in the fast check, which nobody can stop between two values: some ten microseconds.
    private static let quickStepLimit: UInt32 = 2000
    /// The longest text, in bytes, of a search in the fast check, and of one whose steps alone bound its time.
    private static let quickLength = 256
    private static let shortLength = 1024
    /// The longest expression in bytes: what PCRE2 takes is no longer, however it is written.
    private static let sizeLimit = 64 << 10

    let source: String
    private let code: PatternCode
    /// The code for long texts, made when the first one is searched.
    private let calling = Mutex<PatternCode?>(nil)
    private let limits: PatternLimits
    private let quickLimits: PatternLimits
    /// One match block is kept for the next search; searches that run beside each other make their own.
    /// It is held as its address; 0 is none.
    private let spare = Atomic<UInt>(0)

    package init(_ source: String) throws(SyntaxError) {
        self.source = source
        guard source.utf8.count <= Self.sizeLimit else {
            throw SyntaxError(message: "it is longer than \(Self.sizeLimit >> 10) KiB")
        }
        code = try PatternCode.compiled(source, withCallouts: false)
        limits = try PatternLimits(steps: Self.stepLimit)
        quickLimits = try PatternLimits(steps: Self.quickStepLimit)
    }

    deinit {
        if let block = OpaquePointer(bitPattern: spare.load(ordering: .relaxed)) { pcre2_match_data_free_8(block) }
    }

    func search(_ text: UnsafeRawBufferPointer) -> Answer {
        guard text.count > Self.shortLength else { return search(text, within: limits) }
        guard let code = callingCode() else { return .gaveUp }
        return withBlock { JSONSchema.search(text, for: code, within: limits, $0) }
    }

    package func search(_ text: String) -> Answer {
        var text = text
        return text.withUTF8 { search(UnsafeRawBufferPointer($0)) }
    }

    /// A search that gives up early; what it finds or does not find is certain.
    func quickSearch(_ text: UnsafeRawBufferPointer) -> Answer {
        text.count > Self.quickLength ? .gaveUp : search(text, within: quickLimits)
    }

    private func search(_ text: UnsafeRawBufferPointer, within limits: PatternLimits) -> Answer {
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return withBlock { pcre2_match_8(code.pointer, start, text.count, 0, 0, $0, limits.pointer) }
    }

    private func withBlock(_ match: (OpaquePointer) -> Int32) -> Answer {
        let kept = OpaquePointer(bitPattern: spare.exchange(0, ordering: .acquiring))
        guard let block = kept ?? pcre2_match_data_create_8(1, nil) else { return .gaveUp }
        let status = match(block)
        // The block that comes out is one that another thread has put back meanwhile.
        let surplus = OpaquePointer(
            bitPattern: spare.exchange(UInt(bitPattern: block), ordering: .acquiringAndReleasing))
        if let surplus { pcre2_match_data_free_8(surplus) }
        return status >= 0 ? .found : status == PCRE2_ERROR_NOMATCH ? .absent : .gaveUp
    }

    private func callingCode() -> PatternCode? {
        calling.withLock { made in
            if made == nil { made = try? PatternCode.compiled(source, withCallouts: true) }
            return made
        }
    }
}
