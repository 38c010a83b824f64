/// The rules for arrays.
struct CheckArray: BitwiseCopyable {
    let prefix: CheckList<UnsafePointer<CheckNode>>
    let items: UnsafePointer<CheckNode>?
    let contains: UnsafePointer<CheckNode>?
    let minContains: Int
    let maxContains: Int
    let minCount: Int
    let maxCount: Int
    let isUnique: Bool

    func check(_ value: ValueCursor) -> CheckProgram.Answer {
        let count = value.word(1)
        if count < minCount || count > maxCount { return .invalid }
        var iterator = value.items
        for index in 0..<min(prefix.count, count) {
            let answer = prefix[index].pointee.pointee.check(iterator.next().unsafelyUnwrapped)
            if answer != .valid { return answer }
        }
        if let items {
            while let item = iterator.next() {
                let answer = items.pointee.check(item)
                if answer != .valid { return answer }
            }
        }
        if isUnique, value.firstEqualItems != nil { return .invalid }
        return contains == nil ? .valid : checkContains(value)
    }

    private func checkContains(_ value: ValueCursor) -> CheckProgram.Answer {
        guard let contains else { return .valid }
        var count = 0
        for item in value.items {
            switch contains.pointee.check(item) {
            case .valid: count += 1
            case .invalid: break
            case .unsure: return .unsure
            }
        }
        return count >= minContains && count <= maxContains ? .valid : .invalid
    }
}
