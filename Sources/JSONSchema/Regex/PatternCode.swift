internal import CPCRE2

/// An expression as PCRE2 has compiled it, immutable and freed with the object.
final class PatternCode: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    private init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { pcre2_code_free_8(pointer) }

    /// Compiles an expression of ECMA-262; `withCallouts` has each item of it call out before it is tried.
    static func compiled(_ source: String, withCallouts: Bool) throws(Pattern.SyntaxError) -> PatternCode {
        var translator = ECMATranslator(source)
        var text = try translator.translate()
        guard let context = pcre2_compile_context_create_8(nil) else { throw .noMemory }
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_compile_extra_options_8(context, UInt32(PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES))
        pcre2_set_parens_nest_limit_8(context, 200)
        var errorCode: Int32 = 0
        var errorOffset = 0
        let options =
            UInt32(PCRE2_UTF) | UInt32(PCRE2_DOLLAR_ENDONLY) | UInt32(PCRE2_MATCH_UNSET_BACKREF)
            | UInt32(PCRE2_NEVER_BACKSLASH_C) | (withCallouts ? UInt32(PCRE2_AUTO_CALLOUT) : 0)
        let code = text.withUTF8 {
            pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, context)
        }
        guard let code else { throw Pattern.SyntaxError(message: message(of: errorCode)) }
        return PatternCode(code)
    }

    private static func message(of code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 160) { buffer in
            let length = pcre2_get_error_message_8(code, buffer.baseAddress, buffer.count)
            return length > 0 ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "it cannot be compiled"
        }
    }
}

/// What bounds a search, immutable and freed with the object.
final class PatternLimits: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    private static let heapLimitKiB: UInt32 = 8192

    init(steps: UInt32) throws(Pattern.SyntaxError) {
        guard let context = pcre2_match_context_create_8(nil) else { throw .noMemory }
        pcre2_set_match_limit_8(context, steps)
        pcre2_set_heap_limit_8(context, Self.heapLimitKiB)
        pointer = context
    }

    deinit { pcre2_match_context_free_8(pointer) }
}
