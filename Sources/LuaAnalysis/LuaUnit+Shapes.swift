internal import FlatValue
package import WorkflowCore

extension LuaUnit {
    /// The callbacks of which a shape is of use.
    private static let shapedKeys = ["resolve", "items", "handler"]

    /// Adds what the file shows of the callbacks in its tables.
    package func addShapes(to shapes: inout CallbackShapes) {
        for table in tables {
            guard case .string(let id)? = table.fields["id"] else { continue }
            for key in Self.shapedKeys {
                guard let callback = table.fields[key] else { continue }
                shapes.add(assignedFields.contains(key) ? nil : Self.shape(of: callback), id: id, key: key)
            }
        }
    }

    private static func shape(of callback: LuaExpression) -> CallbackShape? {
        guard case .function(let function) = callback.resolved else { return nil }
        if function.returns.count == 1, !function.fallsThrough, let path = path(function.returns[0], of: function) {
            return .field(path)
        }
        var values: [Value] = function.fallsThrough ? [.null] : []
        var budget = choiceLimit
        for result in function.returns {
            guard let some = choices(result, &budget) else { return nil }
            for value in some where !values.contains(value) { values.append(value) }
        }
        return .choices(values)
    }

    /// The names that lead from the first parameter to the value.
    private static func path(_ expression: LuaExpression, of function: LuaFunction) -> [String]? {
        switch expression {
        case .field(let base, let name): return path(base, of: function).map { $0 + [name] }
        case .local(let local): return local === function.parameters.first && !local.isAssigned ? [] : nil
        default: return nil
        }
    }

    /// How many values and operators are looked at for one callback.
    private static let choiceLimit = 500

    /// All values that an expression may have, where the source names them.
    private static func choices(_ expression: LuaExpression, _ budget: inout Int) -> [Value]? {
        budget -= 1
        guard budget >= 0 else { return nil }
        switch expression.resolved {
        case .none: return [.null]
        case .boolean(let value): return [Value(value)]
        case .string(let value): return [Value(value)]
        case .number(let text): return Int64(text).map { [Value($0)] }
        case .and(_, let right): return choices(right, &budget).map { [.null] + $0 }
        case .or(let left, let right):
            guard let first = choices(left, &budget), let second = choices(right, &budget) else { return nil }
            return first.filter { $0 != .null && $0.bool != false } + second
        default: return nil
        }
    }
}
