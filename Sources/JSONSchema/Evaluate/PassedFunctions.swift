package import FlatValue

/// Passes over the functions of a schema, where they cannot be called: a document holds none, and a script that waits for a
/// validation runs none.
package struct PassedFunctions: SchemaFunctions {
    let goesOn: () -> Bool

    /// - Parameter goesOn: whether the validation may go on; see ``SchemaFunctions/mayContinue()``.
    package init(goesOn: @escaping () -> Bool) { self.goesOn = goesOn }

    package func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement { .passes }

    package func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation {
        arena.write(value)
        return .done
    }

    package func mayContinue() -> Bool { goesOn() }
}
