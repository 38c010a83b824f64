internal import CPCRE2
internal import Synchronization

/// A compiled ECMA-262 regular expression (Unicode mode), searched for anywhere in a text.
///
/// Work is bounded: a search that backtracks without end gives up instead of hanging. Any thread may use one pattern.
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
    }

    /// Backtracking steps of one search: about ten milliseconds.
    private static let stepLimit: UInt32 = 500_000
    /// Those of a search in the fast check, which nobody can stop between two values: some ten microseconds.
    private static let quickStepLimit: UInt32 = 2000
    private static let heapLimitKiB: UInt32 = 8192
    /// The longest expression in bytes: what PCRE2 takes is no longer, however it is written.
    private static let sizeLimit = 64 << 10

    let source: String
    /// PCRE2's code is immutable once compiled, and owned by this object alone.
    private nonisolated(unsafe) let code: OpaquePointer
    private nonisolated(unsafe) let limits: OpaquePointer
    private nonisolated(unsafe) let quickLimits: OpaquePointer
    /// One match block is kept for the next search; searches that run beside each other make their own.
    /// It is held as its address; 0 is none.
    private let spare = Atomic<UInt>(0)

    package init(_ source: String) throws(SyntaxError) {
        self.source = source
        guard source.utf8.count <= Self.sizeLimit else {
            throw SyntaxError(message: "it is longer than \(Self.sizeLimit >> 10) KiB")
        }
        var translator = ECMATranslator(source)
        let translated = try translator.translate()
        let compileContext = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(compileContext) }
        pcre2_set_compile_extra_options_8(compileContext, UInt32(PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES))
        pcre2_set_parens_nest_limit_8(compileContext, 200)
        var errorCode: Int32 = 0
        var errorOffset = 0
        let options =
            UInt32(PCRE2_UTF) | UInt32(PCRE2_DOLLAR_ENDONLY) | UInt32(PCRE2_MATCH_UNSET_BACKREF)
            | UInt32(PCRE2_NEVER_BACKSLASH_C)
        var text = translated
        let compiled = text.withUTF8 {
            pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, compileContext)
        }
        guard let compiled else { throw SyntaxError(message: Self.message(of: errorCode)) }
        guard let limits = Self.limits(steps: Self.stepLimit) else {
            pcre2_code_free_8(compiled)
            throw SyntaxError(message: "there is no memory for it")
        }
        guard let quickLimits = Self.limits(steps: Self.quickStepLimit) else {
            pcre2_match_context_free_8(limits)
            pcre2_code_free_8(compiled)
            throw SyntaxError(message: "there is no memory for it")
        }
        code = compiled
        self.limits = limits
        self.quickLimits = quickLimits
    }

    private static func limits(steps: UInt32) -> OpaquePointer? {
        guard let context = pcre2_match_context_create_8(nil) else { return nil }
        pcre2_set_match_limit_8(context, steps)
        pcre2_set_heap_limit_8(context, heapLimitKiB)
        return context
    }

    deinit {
        if let block = OpaquePointer(bitPattern: spare.load(ordering: .relaxed)) { pcre2_match_data_free_8(block) }
        pcre2_match_context_free_8(limits)
        pcre2_match_context_free_8(quickLimits)
        pcre2_code_free_8(code)
    }

    func search(_ text: UnsafeRawBufferPointer) -> Answer { search(text, within: limits) }

    /// A search that gives up early; what it finds or does not find is certain.
    func quickSearch(_ text: UnsafeRawBufferPointer) -> Answer { search(text, within: quickLimits) }

    private func search(_ text: UnsafeRawBufferPointer, within limits: OpaquePointer) -> Answer {
        let kept = OpaquePointer(bitPattern: spare.exchange(0, ordering: .acquiring))
        guard let block = kept ?? pcre2_match_data_create_8(1, nil) else { return .gaveUp }
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let status = pcre2_match_8(code, start, text.count, 0, 0, block, limits)
        // The block that comes out is one that another thread has put back meanwhile.
        let surplus = OpaquePointer(
            bitPattern: spare.exchange(UInt(bitPattern: block), ordering: .acquiringAndReleasing))
        if let surplus { pcre2_match_data_free_8(surplus) }
        return status >= 0 ? .found : status == PCRE2_ERROR_NOMATCH ? .absent : .gaveUp
    }

    package func search(_ text: String) -> Answer {
        var text = text
        return text.withUTF8 { search(UnsafeRawBufferPointer($0)) }
    }

    private static func message(of code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 160) { buffer in
            let length = pcre2_get_error_message_8(code, buffer.baseAddress, buffer.count)
            return length > 0 ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "it cannot be compiled"
        }
    }
}
