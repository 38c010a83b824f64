/// Reads Lua source that the compiler has accepted, resolving names as Lua does.
///
/// It keeps what a look at the source can use (``LuaUnit``) and forgets the rest.
package struct LuaParser {
    var tokens: [LuaToken]
    var position = 0
    var unit = LuaUnit()
    private var scopes: [[String: LuaLocal]] = [[:]]
    private var functions: [LuaFunction] = [LuaFunction()]
    var guardDepth = 0
    /// How many callbacks of steps lie around what is read.
    var callbackDepth = 0
    private var depth = 0

    /// How deep the compiler lets source nest.
    private static let maximumDepth = 200

    /// What is no Lua.
    struct Failure: Error {}

    private init(_ source: [UInt8]) { tokens = LuaLexer.tokens(of: source) }

    /// What a file says; nil where it is no Lua, or more than can be followed.
    package static func unit(of source: [UInt8]) -> LuaUnit? {
        var parser = LuaParser(source)
        do throws(Failure) {
            _ = try parser.block()
            guard parser.token.kind == .end else { return nil }
            return parser.unit
        } catch {
            return nil
        }
    }

    // MARK: Words

    var token: LuaToken { tokens[position] }

    mutating func advance() -> LuaToken {
        defer { if position + 1 < tokens.count { position += 1 } }
        return tokens[position]
    }

    /// Takes a symbol or a keyword if it is next.
    mutating func take(_ text: String) -> Bool {
        guard token.text == text, token.kind == .symbol || token.kind == .keyword else { return false }
        _ = advance()
        return true
    }

    mutating func expect(_ text: String) throws(Failure) {
        guard take(text) else { throw Failure() }
    }

    mutating func name() throws(Failure) -> String {
        guard token.kind == .name else { throw Failure() }
        return advance().text
    }

    mutating func deeper<Result>(_ body: (inout LuaParser) throws(Failure) -> Result) throws(Failure) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else { throw Failure() }
        return try body(&self)
    }

    // MARK: Names

    mutating func declare(_ name: String, _ value: LuaExpression? = nil) -> LuaLocal {
        if name == "_ENV" { unit.hasOwnGlobals = true }
        let local = LuaLocal(value)
        unit.pool.locals.append(local)
        scopes[scopes.count - 1][name] = local
        return local
    }

    /// What a name means here.
    mutating func resolve(_ token: LuaToken, isAssignment: Bool = false) -> LuaExpression {
        for scope in scopes.reversed() {
            if let local = scope[token.text] { return .local(local) }
        }
        if token.text != "_ENV" {
            unit.globals.append(mention(token.text, token, isAssignment: isAssignment))
        }
        return .global(token.text)
    }

    func mention(_ name: String, _ token: LuaToken, isAssignment: Bool = false) -> LuaUnit.Mention {
        LuaUnit.Mention(
            name: name, line: token.line, column: token.column, isGuarded: guardDepth > 0, isAssignment: isAssignment)
    }

    // MARK: Blocks

    /// Reads a block in a scope of its own; whether its end can never be reached.
    private mutating func scopedBlock() throws(Failure) -> Bool {
        try deeper { parser throws(Failure) in
            parser.scopes.append([:])
            defer { parser.scopes.removeLast() }
            return try parser.block()
        }
    }

    private mutating func block() throws(Failure) -> Bool {
        var returns = false
        while true {
            switch token.kind {
            case .end: return returns
            case .keyword where ["end", "else", "elseif", "until"].contains(token.text): return returns
            default: returns = try statement() || returns
            }
        }
    }

    /// Reads one statement; whether what follows it is never reached.
    private mutating func statement() throws(Failure) -> Bool {
        guard token.kind == .keyword else {
            if take(";") { return false }
            if take("::") {
                _ = try name()
                try expect("::")
                return false
            }
            return try expressionStatement()
        }
        switch token.text {
        case "if": return try conditional()
        case "while":
            _ = advance()
            _ = try expression()
            try expect("do")
            _ = try scopedBlock()
            try expect("end")
        case "do":
            _ = advance()
            let returns = try scopedBlock()
            try expect("end")
            return returns
        case "for": try forLoop()
        case "repeat": return try repeatLoop()
        case "function": try namedFunction()
        case "local": try localStatement()
        case "return": return try returnStatement()
        case "break": _ = advance()
        case "goto":
            _ = advance()
            _ = try name()
        default: return try expressionStatement()
        }
        return false
    }

    private mutating func conditional() throws(Failure) -> Bool {
        var allReturn = true
        repeat {
            _ = advance()
            _ = try expression()
            try expect("then")
            allReturn = try scopedBlock() && allReturn
        } while token.isKeyword("elseif")
        let hasElse = take("else")
        if hasElse { allReturn = try scopedBlock() && allReturn }
        try expect("end")
        return hasElse && allReturn
    }

    private mutating func repeatLoop() throws(Failure) -> Bool {
        _ = advance()
        return try deeper { parser throws(Failure) in
            parser.scopes.append([:])
            defer { parser.scopes.removeLast() }
            let returns = try parser.block()
            try parser.expect("until")
            _ = try parser.expression()
            return returns
        }
    }

    private mutating func forLoop() throws(Failure) {
        _ = advance()
        var names = [try name()]
        while take(",") { names.append(try name()) }
        if !take("=") { try expect("in") }
        _ = try expressions()
        try expect("do")
        scopes.append([:])
        defer { scopes.removeLast() }
        for name in names { declare(name).isAssigned = true }
        _ = try scopedBlock()
        try expect("end")
    }

    private mutating func returnStatement() throws(Failure) -> Bool {
        _ = advance()
        var values: [LuaExpression] = []
        let ends =
            token.kind == .end || ["end", "else", "elseif", "until", ";"].contains(token.text) && token.kind != .string
        if !ends { values = try expressions() }
        _ = take(";")
        functions[functions.count - 1].returns.append(values.first ?? .none)
        return true
    }

    // MARK: Declarations

    private mutating func localStatement() throws(Failure) {
        _ = advance()
        if take("function") {
            let local = declare(try name())
            local.value = .function(try functionBody())
            return
        }
        var names: [String] = []
        repeat {
            names.append(try name())
            if take("<") {
                _ = try name()
                try expect(">")
            }
        } while take(",")
        let values = take("=") ? try expressions() : []
        for (index, name) in names.enumerated() {
            // A call that is last may give several values.
            let isKnown = index < values.count - 1 || index == values.count - 1 && names.count == values.count
            _ = declare(name, isKnown ? values[index] : nil)
        }
    }

    private mutating func namedFunction() throws(Failure) {
        _ = advance()
        let first = advance()
        guard first.kind == .name else { throw Failure() }
        let isPlain = !token.isSymbol(".") && !token.isSymbol(":")
        if case .local(let local) = resolve(first, isAssignment: isPlain), isPlain { local.isAssigned = true }
        var isMethod = false
        while take(".") { unit.assignedFields.insert(try name()) }
        if take(":") {
            unit.assignedFields.insert(try name())
            isMethod = true
        }
        _ = try functionBody(isMethod: isMethod)
    }

    mutating func functionBody(isMethod: Bool = false) throws(Failure) -> LuaFunction {
        let function = LuaFunction()
        unit.pool.functions.append(function)
        return try deeper { parser throws(Failure) in
            parser.scopes.append([:])
            parser.functions.append(function)
            defer {
                parser.scopes.removeLast()
                parser.functions.removeLast()
            }
            if isMethod { _ = parser.declare("self") }
            try parser.expect("(")
            while !parser.take(")") {
                if parser.token.kind == .name {
                    let name = try parser.name()
                    function.parameters.append(parser.declare(name))
                } else {
                    try parser.expect("...")
                }
                _ = parser.take(",")
            }
            function.fallsThrough = !(try parser.block())
            try parser.expect("end")
            return function
        }
    }
}
