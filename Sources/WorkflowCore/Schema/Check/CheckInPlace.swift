/// The schemas that look at the same value as the one that holds them.
struct CheckInPlace: BitwiseCopyable {
    struct Dependent: BitwiseCopyable {
        let key: UnsafeRawBufferPointer
        let node: UnsafePointer<CheckNode>
    }

    /// `$ref` and `allOf`.
    let all: CheckList<UnsafePointer<CheckNode>>
    let any: CheckList<UnsafePointer<CheckNode>>
    let one: CheckList<UnsafePointer<CheckNode>>
    let not: UnsafePointer<CheckNode>?
    let condition: UnsafePointer<CheckNode>?
    let then: UnsafePointer<CheckNode>?
    let otherwise: UnsafePointer<CheckNode>?
    let dependents: CheckList<Dependent>

    func check(_ value: ValueCursor) -> CheckProgram.Answer {
        for index in 0..<all.count {
            let answer = all[index].pointee.pointee.check(value)
            if answer != .valid { return answer }
        }
        if any.count > 0 {
            let answer = checkAny(value)
            if answer != .valid { return answer }
        }
        if one.count > 0 {
            let answer = checkOne(value)
            if answer != .valid { return answer }
        }
        if let not {
            switch not.pointee.check(value) {
            case .valid: return .invalid
            case .invalid: break
            case .unsure: return .unsure
            }
        }
        if let condition {
            let branch: UnsafePointer<CheckNode>?
            switch condition.pointee.check(value) {
            case .valid: branch = then
            case .invalid: branch = otherwise
            case .unsure: return .unsure
            }
            if let branch {
                let answer = branch.pointee.check(value)
                if answer != .valid { return answer }
            }
        }
        for index in 0..<dependents.count where value.isObject {
            let dependent = dependents[index].pointee
            guard value.value(forKey: dependent.key) != nil else { continue }
            let answer = dependent.node.pointee.check(value)
            if answer != .valid { return answer }
        }
        return .valid
    }

    private func checkAny(_ value: ValueCursor) -> CheckProgram.Answer {
        for index in 0..<any.count {
            let answer = any[index].pointee.pointee.check(value)
            // An unsure branch might rewrite the value, and comes before the ones after it.
            if answer != .invalid { return answer }
        }
        return .invalid
    }

    private func checkOne(_ value: ValueCursor) -> CheckProgram.Answer {
        var count = 0
        for index in 0..<one.count {
            switch one[index].pointee.pointee.check(value) {
            case .valid: count += 1
            case .invalid: break
            case .unsure: return .unsure
            }
            if count > 1 { return .invalid }
        }
        return count == 1 ? .valid : .invalid
    }
}
