internal import CPCRE2
internal import Platform

/// How long a search of a long text may still take.
///
/// PCRE2 counts where it backtracks, and not how far one item runs: `[a-z]+\d` looks at each letter of a text of letters again
/// from each of them. Before each item it calls out, and no item takes longer than the text is long.
struct SearchPatience {
    /// Calls until the clock is looked at, so that it is read about once for a million bytes.
    private let interval: Int
    private var calls = 0
    private var end: UInt64?

    /// Processor time of one search in nanoseconds.
    private static let limit: UInt64 = 500_000_000

    init(byteCount: Int) { interval = max(1, 1_000_000 / max(1, byteCount)) }

    mutating func mayContinue() -> Bool {
        calls += 1
        guard calls >= interval else { return true }
        calls = 0
        let now = threadNanoseconds()
        guard let end else {
            end = now &+ Self.limit
            return true
        }
        return now < end
    }
}

/// Searches with code that calls out.
func search(
    _ text: UnsafeRawBufferPointer, for code: PatternCode, within limits: PatternLimits, _ block: OpaquePointer
) -> Int32 {
    guard let context = pcre2_match_context_copy_8(limits.pointer) else { return PCRE2_ERROR_NOMEMORY }
    defer { pcre2_match_context_free_8(context) }
    var patience = SearchPatience(byteCount: text.count)
    return withUnsafeMutablePointer(to: &patience) { patience in
        pcre2_set_callout_8(
            context,
            { _, patience in
                guard let patience else { return PCRE2_ERROR_CALLOUT }
                let mayContinue = patience.assumingMemoryBound(to: SearchPatience.self).pointee.mayContinue()
                return mayContinue ? 0 : PCRE2_ERROR_CALLOUT
            }, patience)
        return pcre2_match_8(
            code.pointer, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, 0, 0, block, context)
    }
}
