/// An expression, as far as a look at the source can use it.
indirect enum LuaExpression {
    case none
    case boolean(Bool)
    case string(String)
    case number(String)
    case local(LuaLocal)
    case global(String)
    /// A field with a fixed name.
    case field(LuaExpression, String)
    case call(LuaExpression, [LuaExpression])
    case function(LuaFunction)
    case table(LuaTable)
    case and(LuaExpression, LuaExpression)
    case or(LuaExpression, LuaExpression)
    case other

    /// The expression that a local name stands for, where it never changes.
    var resolved: LuaExpression {
        if case .local(let local) = self, let value = local.value, !local.isAssigned { return value.resolved }
        return self
    }
}

/// A local variable or a parameter.
final class LuaLocal {
    /// What it was declared with; nil for parameters and where that is not known.
    var value: LuaExpression?
    /// Whether it gets another value later.
    var isAssigned = false

    init(_ value: LuaExpression? = nil) { self.value = value }
}

final class LuaFunction {
    var parameters: [LuaLocal] = []
    /// The first value of each `return`.
    var returns: [LuaExpression] = []
    /// Whether its end can be reached, which gives nil.
    var fallsThrough = true
}

/// A table constructor.
final class LuaTable {
    /// The values under fixed names.
    var fields: [String: LuaExpression] = [:]
    /// The line of its `id`.
    var idLine = 0
    /// The lines from its first brace to its last.
    var lines = 0...0
}

/// What one file of Lua says.
struct LuaUnit {
    /// A name at its place.
    struct Mention {
        var name: String
        var line: Int
        var column: Int
        /// Inside the arguments of pcall or xpcall, where a failure may be expected.
        var isGuarded: Bool
        var isAssignment = false
    }

    /// Global names that are read or written.
    var globals: [Mention] = []
    /// Modules that are required by a fixed name.
    var modules: [Mention] = []
    /// The tables that are written in it.
    var tables: [LuaTable] = []
    /// Globals that it makes with rawset.
    var declared: Set<String> = []
    /// Whether its globals are not those of the sandbox, or not known.
    var hasOwnGlobals = false
    /// The names of fields that are assigned to after a table was made.
    var assignedFields: Set<String> = []
}
