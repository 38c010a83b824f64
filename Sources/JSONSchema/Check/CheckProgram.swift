internal import FlatValue

/// The fast check: a schema laid out as plain memory that is walked without counting references or allocating.
///
/// It answers `unsure` for whatever needs more than a look: values to rewrite, functions of scripts, `unevaluated…`, dynamic
/// references. `valid` and `invalid` are certain; `valid` also means that nothing is to be rewritten.
final class CheckProgram: Sendable {
    enum Answer: UInt8 {
        case valid, invalid, unsure
    }

    /// Written while the program is made, and only read afterwards.
    private nonisolated(unsafe) let root: UnsafePointer<CheckNode>
    private let memory: CheckMemory
    /// Keeps alive what the nodes point to.
    private let patterns: [Pattern]

    init(_ graph: SchemaGraph) {
        var builder = CheckBuilder(graph)
        root = builder.build()
        memory = builder.memory
        patterns = builder.patterns
    }

    func check(_ value: ValueCursor) -> Answer {
        // A check that goes over a value many times leaves it to the thorough evaluation, which remembers and can be stopped.
        var work = CheckWork(remaining: Self.freeWork + value.byteCount)
        return withUnsafeMutablePointer(to: &work) { root.check(value, $0) }
    }

    /// How many schemas a check may apply beside one for each byte of the value; eight entries of an object and 64 choices of an
    /// `enum` count as much.
    private static let freeWork = 20_000
}

/// What a check may still do.
struct CheckWork {
    var remaining: Int
}

/// Memory of one program, freed with it.
final class CheckMemory: @unchecked Sendable {
    // Only the builder allocates, before the program is shared.
    private var blocks: [UnsafeMutableRawPointer] = []

    func allocate<Element: BitwiseCopyable>(_ elements: [Element]) -> CheckList<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        memory.initialize(from: elements, count: elements.count)
        blocks.append(UnsafeMutableRawPointer(memory))
        return CheckList(start: UnsafePointer(memory), count: elements.count)
    }

    func allocate<Element: BitwiseCopyable>(_ element: Element) -> UnsafePointer<Element> { allocate([element]).start }

    deinit { for block in blocks { block.deallocate() } }
}

/// Elements in a row.
struct CheckList<Element: BitwiseCopyable>: BitwiseCopyable {
    let start: UnsafePointer<Element>
    let count: Int

    @inline(__always)
    subscript(_ index: Int) -> UnsafePointer<Element> { start + index }
}
