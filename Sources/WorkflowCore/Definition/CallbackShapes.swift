package import FlatValue

/// What can be seen of a callback without calling it.
package enum CallbackShape: Equatable, Sendable {
    /// It gives a field of its first argument: `function(input) return input.order.items end`.
    case field([String])
    /// It gives one of these values and no other; null stands for nil.
    case choices([Value])
}

/// What was seen of a workflow's callbacks, by the id of the node and the key under which it has the callback.
package struct CallbackShapes: Sendable {
    private struct Key: Hashable {
        var id: String
        var key: String
    }

    /// nil where several nodes of one id differ, so that nothing is known.
    private var shapes: [Key: CallbackShape?] = [:]

    package init() {}

    package mutating func add(_ shape: CallbackShape?, id: String, key: String) {
        let place = Key(id: id, key: key)
        if let known = shapes[place], known != shape {
            shapes[place] = .some(nil)
        } else {
            shapes[place] = .some(shape)
        }
    }

    package subscript(id: String, key: String) -> CallbackShape? { shapes[Key(id: id, key: key)] ?? nil }
}
