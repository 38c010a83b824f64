public import FlatValue

/// What validation says of a value that lies in an arena.
public enum SchemaOutcome: Sendable {
    /// The value is valid as it stands.
    case unchanged
    /// The value is valid once rewritten; the new one was appended to the arena.
    case rewritten(Slice)
    /// The value is refused, with everything that is wrong with it: one issue or more.
    case invalid([SchemaIssue])
    /// ``SchemaFunctions/mayContinue()`` said no; nothing is known of the value.
    case stopped
}

/// What validation says of a value of its own.
public enum SchemaVerdict: Sendable {
    case valid(Value)
    /// One issue or more.
    case invalid([SchemaIssue])
    /// ``SchemaFunctions/mayContinue()`` said no; nothing is known of the value.
    case stopped
}

/// The functions of a script that its schemas call.
///
/// They are called during validation and may not touch the arena that is being validated into.
public protocol SchemaFunctions {
    /// Tests a value that is valid otherwise.
    func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement
    /// Appends the value that takes the place of `value`, or says why there is none.
    func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation
    /// Whether the validation may go on: asked about every millisecond of work, after each search of a pattern that may have
    /// taken long, and after each call of a function. After a no the validation ends as `stopped`.
    func mayContinue() -> Bool
}

extension SchemaFunctions {
    public func mayContinue() -> Bool { true }
}

/// The answer of a refinement.
public enum SchemaRefinement: Sendable, Equatable {
    case passes
    /// The value is refused; without a message that of the schema is used.
    case fails(message: String?)
}

/// The answer of a transformation.
public enum SchemaTransformation: Sendable, Equatable {
    /// One value was appended.
    case done
    case fails(message: String)
}

extension Schema {
    /// Validates a value of an arena, and appends what it becomes where the schema rewrites it.
    ///
    /// Without `functions`, refinements and transformations of scripts are passed over. The arena may move.
    @inlinable
    public func validate(
        _ input: Slice, in arena: inout ByteArena, functions: (any SchemaFunctions)? = nil
    ) -> SchemaOutcome {
        let cursor = ValueCursor(UnsafeRawPointer(arena.base.unsafelyUnwrapped + Int(input.offset)))
        if isPlainlyValid(cursor) { return .unchanged }
        return evaluate(cursor, appendingTo: &arena, functions: functions)
    }

    /// Validates a value that lies elsewhere; only a rewritten one is appended to the arena.
    @inlinable
    public func validate(
        _ input: ValueCursor, appendingTo arena: inout ByteArena, functions: (any SchemaFunctions)? = nil
    ) -> SchemaOutcome {
        if isPlainlyValid(input) { return .unchanged }
        return evaluate(input, appendingTo: &arena, functions: functions)
    }

    /// Validates a value and returns what it becomes.
    public func validate(_ value: Value, functions: (any SchemaFunctions)? = nil) -> SchemaVerdict {
        var arena = ByteArena()
        defer { arena.deallocate() }
        let outcome = value.withCursor { validate($0, appendingTo: &arena, functions: functions) }
        switch outcome {
        case .unchanged: return .valid(value)
        case .rewritten(let slice): return .valid(Value(ValueCursor(arena[slice])))
        case .invalid(let issues): return .invalid(issues)
        case .stopped: return .stopped
        }
    }

    /// Whether the fast check can already say that the value is valid and stays as it is.
    @usableFromInline
    func isPlainlyValid(_ cursor: ValueCursor) -> Bool {
        if cursor.isNull, graph.fillsAbsentRoot { return false }
        return program.check(cursor) == .valid
    }

    @usableFromInline
    @inline(never)
    func evaluate(
        _ cursor: ValueCursor, appendingTo arena: inout ByteArena, functions: (any SchemaFunctions)?
    ) -> SchemaOutcome {
        var evaluation = SchemaEvaluation(graph, functions: functions)
        defer { evaluation.finish() }
        let verdict = evaluation.evaluateRoot(cursor)
        if evaluation.isStopped { return .stopped }
        guard verdict.isValid else {
            return .invalid(keepsKeyOrder ? evaluation.issues : SchemaIssue.inOrder(evaluation.issues))
        }
        if verdict.value.start == cursor.start { return .unchanged }
        let start = arena.count
        arena.append(verdict.value.bytes)
        return .rewritten(Slice(from: start, to: arena.count))
    }
}
