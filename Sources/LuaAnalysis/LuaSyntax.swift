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
    case function(LuaFunction)
    case table(LuaTable)
    case and(LuaExpression, LuaExpression)
    case or(LuaExpression, LuaExpression)
    case other

    /// How many parts deep an expression is kept; what is longer is `other`.
    static let maximumDepth = 32

    /// The expression that a local name stands for, where it never changes.
    var resolved: LuaExpression {
        var found = self
        for _ in 0..<Self.maximumDepth {
            guard case .local(let local) = found, let value = local.value, !local.isAssigned else { return found }
            found = value
        }
        return .other
    }

    /// How many expressions it is made of, those in functions and tables aside.
    private var size: Int {
        switch self {
        case .field(let base, _): base.size + 1
        case .and(let left, let right), .or(let left, let right): left.size + right.size + 1
        default: 1
        }
    }

    /// The expression, or `other` when it is made of too much to follow.
    var bounded: LuaExpression { size > Self.maximumDepth ? .other : self }
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
    /// The lines of these names.
    private(set) var fieldLines: [String: Int] = [:]
    /// The values that stand in it without names, with their lines.
    private(set) var items: [(value: LuaExpression, line: Int)] = []
    /// The line of its `id`.
    var idLine = 0
    /// The lines from its first brace to its last.
    var lines = 0...0

    func add(_ value: LuaExpression, as name: String, line: Int) {
        fields[name] = value
        fieldLines[name] = line
    }

    func add(_ value: LuaExpression, line: Int) { items.append((value, line)) }

    /// Lets go of what it holds, which may hold it.
    func empty() {
        fields = [:]
        items = []
    }
}

/// All that is shared of the syntax of a file. Chains of it may be as long as the file, and functions may hold themselves, so
/// they are taken apart piece by piece when the file is forgotten.
final class LuaSyntaxPool {
    var locals: [LuaLocal] = []
    var functions: [LuaFunction] = []
    var tables: [LuaTable] = []

    deinit {
        for local in locals { local.value = nil }
        for function in functions { function.returns = [] }
        for table in tables { table.empty() }
    }
}

/// What one file of Lua says.
package struct LuaUnit {
    /// A name at its place.
    package struct Mention {
        package var name: String
        var line: Int
        var column: Int
        /// Inside the arguments of pcall or xpcall, where a failure may be expected.
        package var isGuarded: Bool
        var isAssignment = false
    }

    /// Global names that are read or written.
    var globals: [Mention] = []
    /// Modules that are required by a fixed name.
    package var modules: [Mention] = []
    /// Calls of require in callbacks of steps by a name that the source does not show.
    package var computedModules: [Mention] = []
    let pool = LuaSyntaxPool()
    /// The tables that are written in it.
    var tables: [LuaTable] { pool.tables }
    /// Globals that it makes with rawset.
    var declared: Set<String> = []
    /// Whether its globals are not those of the sandbox, or not known.
    var hasOwnGlobals = false
    /// The names of fields that are assigned to after a table was made.
    var assignedFields: Set<String> = []

    /// A file that says nothing.
    package init() {}
}
