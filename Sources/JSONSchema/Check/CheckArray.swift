internal import FlatValue

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
    /// An array with fewer items gets some by default.
    let fillsBelow: Int
}

extension UnsafePointer<CheckArray> {
    func check(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        let count = value.word(1)
        if count < pointee.minCount || count > pointee.maxCount { return .invalid }
        if count < pointee.fillsBelow { return .unsure }
        var iterator = value.items
        for index in 0..<min(pointee.prefix.count, count) {
            let answer = pointee.prefix[index].pointee.check(iterator.next().unsafelyUnwrapped, work)
            if answer != .valid { return answer }
        }
        if let items = pointee.items {
            while let item = iterator.next() {
                if items.isPlainlyValid(item) { continue }
                let answer = items.check(item, work)
                if answer != .valid { return answer }
            }
        }
        if pointee.isUnique, value.firstEqualItems != nil { return .invalid }
        return pointee.contains == nil ? .valid : checkContains(value, work)
    }

    private func checkContains(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        guard let contains = pointee.contains else { return .valid }
        var count = 0
        for item in value.items {
            switch contains.check(item, work) {
            case .valid: count += 1
            case .invalid: break
            case .unsure: return .unsure
            }
        }
        return count >= pointee.minContains && count <= pointee.maxContains ? .valid : .invalid
    }
}
