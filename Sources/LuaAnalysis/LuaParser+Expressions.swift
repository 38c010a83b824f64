extension LuaParser {
    // MARK: Statements that begin with an expression

    /// A call, or an assignment to one or more places; whether it always raises.
    mutating func expressionStatement() throws(Failure) -> Bool {
        var targets: [LuaExpression] = []
        let raises = callsRaiser
        let before = unit.globals.count
        repeat { targets.append(try suffixed()) } while take(",")
        guard take("=") else { return raises }
        for target in targets {
            switch target {
            case .local(let local): local.isAssigned = true
            case .field(_, let name): unit.assignedFields.insert(name)
            case .global(let name):
                if let index = unit.globals.indices.last(where: { $0 >= before && unit.globals[$0].name == name }) {
                    unit.globals[index].isAssignment = true
                }
            default: break
            }
        }
        _ = try expressions()
        return false
    }

    /// Whether `error` or a function called `fail` of a table, such as `aikit.fail`, is what is called next.
    private var callsRaiser: Bool {
        func word(_ offset: Int) -> String {
            tokens.indices.contains(position + offset) ? tokens[position + offset].text : ""
        }
        let opens = ["(", "{"]
        if word(0) == "error" { return opens.contains(word(1)) || isText(at: 1) }
        return word(1) == "." && word(2) == "fail" && (opens.contains(word(3)) || isText(at: 3))
    }

    private func isText(at offset: Int) -> Bool {
        tokens.indices.contains(position + offset) && tokens[position + offset].kind == .string
    }

    mutating func expressions() throws(Failure) -> [LuaExpression] {
        var list = [try expression()]
        while take(",") { list.append(try expression()) }
        return list
    }

    // MARK: Operators

    private static let binary: [String: (left: Int, right: Int)] = [
        "or": (1, 1), "and": (2, 2), "<": (3, 3), ">": (3, 3), "<=": (3, 3), ">=": (3, 3), "~=": (3, 3), "==": (3, 3),
        "|": (4, 4), "~": (5, 5), "&": (6, 6), "<<": (7, 7), ">>": (7, 7), "..": (9, 8), "+": (10, 10), "-": (10, 10),
        "*": (11, 11), "/": (11, 11), "//": (11, 11), "%": (11, 11), "^": (14, 13),
    ]
    private static let unaryPriority = 12

    mutating func expression(above limit: Int = 0) throws(Failure) -> LuaExpression {
        try deeper { parser throws(Failure) in
            var left: LuaExpression
            if parser.take("not") || parser.take("-") || parser.take("#") || parser.take("~") {
                _ = try parser.expression(above: Self.unaryPriority)
                left = .other
            } else {
                left = try parser.simple()
            }
            while parser.token.kind == .symbol || parser.token.kind == .keyword,
                let priority = Self.binary[parser.token.text], priority.left > limit
            {
                let word = parser.advance().text
                let right = try parser.expression(above: priority.right)
                left = word == "and" ? .and(left, right) : word == "or" ? .or(left, right) : .other
                left = left.bounded
            }
            return left
        }
    }

    private mutating func simple() throws(Failure) -> LuaExpression {
        switch token.kind {
        case .number: return .number(advance().text)
        case .string: return .string(advance().text)
        case .keyword:
            if take("nil") { return .none }
            if take("true") { return .boolean(true) }
            if take("false") { return .boolean(false) }
            if take("function") { return .function(try functionBody()) }
        case .symbol:
            if take("...") { return .other }
            if token.isSymbol("{") { return .table(try table()) }
        case .name, .end, .broken: break
        }
        return try suffixed()
    }

    // MARK: Names, fields and calls

    private mutating func suffixed() throws(Failure) -> LuaExpression {
        var value: LuaExpression
        if take("(") {
            value = try expression()
            try expect(")")
        } else {
            guard token.kind == .name else { throw Failure() }
            value = resolve(advance())
        }
        while true {
            if take(".") {
                value = LuaExpression.field(value.bounded, try name())
            } else if take("[") {
                let key = try expression()
                try expect("]")
                if case .string(let name) = key { value = .field(value.bounded, name) } else { value = .other }
            } else if take(":") {
                _ = try name()
                _ = try arguments(of: .other)
                value = .other
            } else if token.isSymbol("(") || token.isSymbol("{") || token.kind == .string {
                let place = token
                let list = try arguments(of: value)
                note(value, list, at: place)
                value = .other
            } else {
                return value
            }
        }
    }

    private mutating func arguments(of callee: LuaExpression) throws(Failure) -> [LuaExpression] {
        if token.kind == .string { return [.string(advance().text)] }
        if token.isSymbol("{") { return [.table(try table())] }
        var guards = false
        if case .global(let name) = callee.resolved { guards = name == "pcall" || name == "xpcall" }
        guardDepth += guards ? 1 : 0
        defer { guardDepth -= guards ? 1 : 0 }
        try expect("(")
        if take(")") { return [] }
        let list = try expressions()
        try expect(")")
        return list
    }

    /// Keeps what some calls say about modules and globals.
    private mutating func note(_ callee: LuaExpression, _ arguments: [LuaExpression], at place: LuaToken) {
        guard case .global(let name) = callee.resolved else { return }
        switch name {
        case "require": noteModule(arguments.first, at: place)
        case "pcall" where arguments.count > 1:
            guard case .global("require")? = arguments.first?.resolved else { return }
            guardDepth += 1
            defer { guardDepth -= 1 }
            noteModule(arguments[1], at: place)
        case "rawset":
            guard case .global(let table)? = arguments.first?.resolved, table == "_G" || table == "_ENV" else { return }
            if arguments.count > 1, case .string(let name) = arguments[1] {
                unit.declared.insert(name)
            } else {
                unit.hasOwnGlobals = true
            }
        default: break
        }
    }

    private mutating func noteModule(_ name: LuaExpression?, at place: LuaToken) {
        if case .string(let module)? = name?.resolved {
            unit.modules.append(mention(module, place))
        } else if callbackDepth > 0, name != nil {
            unit.computedModules.append(mention("require", place))
        }
    }

    /// The fields of steps and workflows whose functions are called while a run is under way.
    private static let callbackKeys: Set = [
        "handler", "resolve", "condition", "prepare_next_input", "items", "collect", "aggregate", "next", "compensate",
        "finalize", "on_failure", "on_success", "on_cancel",
    ]

    /// The value of a field, which is called later where it is the function of a callback.
    private mutating func fieldValue(of name: String) throws(Failure) -> LuaExpression {
        let isCallback = token.isKeyword("function") && Self.callbackKeys.contains(name)
        callbackDepth += isCallback ? 1 : 0
        defer { callbackDepth -= isCallback ? 1 : 0 }
        return try expression()
    }

    private mutating func table() throws(Failure) -> LuaTable {
        let table = LuaTable()
        let first = token.line
        try expect("{")
        while !token.isSymbol("}") {
            let line = token.line
            if take("[") {
                let key = try expression()
                try expect("]")
                try expect("=")
                let value = try expression()
                if case .string(let name) = key { table.add(value, as: name, line: line) }
            } else if token.kind == .name, tokens[position + 1].isSymbol("=") {
                if token.text == "id" { table.idLine = line }
                let name = try name()
                try expect("=")
                table.add(try fieldValue(of: name), as: name, line: line)
            } else {
                table.add(try expression(), line: line)
            }
            if !take(",") { _ = take(";") }
        }
        table.lines = first...max(first, advance().line)
        unit.pool.tables.append(table)
        return table
    }
}
