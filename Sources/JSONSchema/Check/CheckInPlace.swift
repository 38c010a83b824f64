internal import FlatValue

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
}

extension UnsafePointer<CheckInPlace> {
    func check(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        for index in 0..<pointee.all.count {
            let answer = pointee.all[index].pointee.check(value, work)
            if answer != .valid { return answer }
        }
        if pointee.any.count > 0 {
            let answer = checkAny(value, work)
            if answer != .valid { return answer }
        }
        if pointee.one.count > 0 {
            let answer = checkOne(value, work)
            if answer != .valid { return answer }
        }
        if let not = pointee.not {
            switch not.check(value, work) {
            case .valid: return .invalid
            case .invalid: break
            case .unsure: return .unsure
            }
        }
        if let condition = pointee.condition {
            let branch: UnsafePointer<CheckNode>?
            switch condition.check(value, work) {
            case .valid: branch = pointee.then
            case .invalid: branch = pointee.otherwise
            case .unsure: return .unsure
            }
            if let branch {
                let answer = branch.check(value, work)
                if answer != .valid { return answer }
            }
        }
        for index in 0..<pointee.dependents.count where value.isObject {
            let dependent = pointee.dependents[index].pointee
            work.pointee.remaining &-= value.count &>> 3
            if work.pointee.remaining < 0 { return .unsure }
            guard value.value(forKey: dependent.key) != nil else { continue }
            let answer = dependent.node.check(value, work)
            if answer != .valid { return answer }
        }
        return .valid
    }

    private func checkAny(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        for index in 0..<pointee.any.count {
            let answer = pointee.any[index].pointee.check(value, work)
            // An unsure branch might rewrite the value, and comes before the ones after it.
            if answer != .invalid { return answer }
        }
        return .invalid
    }

    private func checkOne(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        var count = 0
        for index in 0..<pointee.one.count {
            switch pointee.one[index].pointee.check(value, work) {
            case .valid: count += 1
            case .invalid: break
            case .unsure: return .unsure
            }
            if count > 1 { return .invalid }
        }
        return count == 1 ? .valid : .invalid
    }
}
