internal import FlatValue
internal import Platform

/// A declared key of an object.
struct CheckProperty: BitwiseCopyable {
    /// The last eight bytes of the key, the last one highest; shorter keys are filled up with zeros below.
    let tail: UInt64
    let length: Int
    let key: UnsafeRawPointer
    /// The bit that says that the key is there; 0 where nobody asks.
    let bit: UInt64
    let node: UnsafePointer<CheckNode>

    /// The tail of a key within an object, which has at least eight bytes before the end of any key.
    @inline(__always)
    static func tail(_ key: UnsafeRawPointer, _ length: Int) -> UInt64 {
        if length == 0 { return 0 }
        let word = UInt64(littleEndian: (key + (length &- 8)).loadUnaligned(as: UInt64.self))
        return length >= 8 ? word : word &>> UInt64(8 &* (8 &- length))
    }

    @inline(__always)
    func matches(_ other: UnsafeRawPointer, _ otherLength: Int, _ otherTail: UInt64) -> Bool {
        tail == otherTail && length == otherLength && (length <= 8 || memcmp(key, other, length &- 8) == 0)
    }
}

/// The rules for objects.
struct CheckObject: BitwiseCopyable {
    /// What becomes of keys that no property and no pattern knows.
    enum Unknown: UInt8 {
        case allowed, refused, unsure, checked
    }

    /// The keys that must be there if another one is.
    struct Dependency: BitwiseCopyable {
        let key: UnsafeRawBufferPointer
        let needs: CheckList<UnsafeRawBufferPointer>
    }

    struct PatternProperty: BitwiseCopyable {
        let pattern: Unmanaged<Pattern>
        let node: UnsafePointer<CheckNode>
    }

    var properties: CheckList<CheckProperty>
    /// Bits of keys that must be there, and of keys whose absence the thorough evaluation judges.
    var required: UInt64 = 0
    var defaults: UInt64 = 0
    var unknown = Unknown.allowed
    /// Whether a null may stand for an absent key.
    var nullMayBeAbsence = false
    /// Whether every key must be looked at by patterns or as a name.
    var hasKeyRules = false
    var additional: UnsafePointer<CheckNode>?
    var names: UnsafePointer<CheckNode>?
    var patterns: CheckList<PatternProperty>
    var dependencies: CheckList<Dependency>
    var minCount = 0
    var maxCount = Int.max
    /// Keys that the unknown ones may be because another schema of an intersection knows them.
    var allied: CheckList<UnsafeRawBufferPointer>
}

extension UnsafePointer<CheckObject> {
    func check(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        var remaining = value.word(1)
        work.pointee.remaining &-= remaining &>> 3
        if remaining < pointee.minCount || remaining > pointee.maxCount { return .invalid }
        var position = value.start + 9
        var present: UInt64 = 0
        var next = 0
        while remaining > 0 {
            remaining &-= 1
            let length = Int(UInt32(littleEndian: position.loadUnaligned(as: UInt32.self)))
            let key = position + 4
            let entry = ValueCursor(key + length)
            position = entry.start + entry.byteCount
            let index = find(key, length, from: next)
            if index >= 0 {
                let property = pointee.properties[index]
                next = index &+ 1
                present |= property.pointee.bit
                let node = property.pointee.node
                if !node.isPlainlyValid(entry) {
                    let answer = node.check(entry, work)
                    if answer != .valid { return pointee.nullMayBeAbsence && entry.isNull ? .unsure : answer }
                }
                if !pointee.hasKeyRules { continue }
            }
            if index < 0 || pointee.hasKeyRules {
                let answer = checkUndeclared(
                    UnsafeRawBufferPointer(start: key, count: length), entry, isDeclared: index >= 0, work)
                if answer != .valid { return answer }
            }
        }
        if pointee.required & ~present != 0 { return .invalid }
        if pointee.defaults & ~present != 0 { return .unsure }
        return pointee.dependencies.count == 0 ? .valid : checkDependencies(value)
    }

    /// The index of a key among the properties, or -1; keys mostly come in the order of the properties.
    @inline(__always)
    private func find(_ key: UnsafeRawPointer, _ length: Int, from next: Int) -> Int {
        let tail = CheckProperty.tail(key, length)
        let count = pointee.properties.count
        var index = next
        for _ in 0..<count {
            if index >= count { index = 0 }
            if pointee.properties[index].pointee.matches(key, length, tail) { return index }
            index &+= 1
        }
        return -1
    }

    @inline(never)
    private func checkUndeclared(
        _ key: UnsafeRawBufferPointer, _ value: ValueCursor, isDeclared: Bool, _ work: UnsafeMutablePointer<CheckWork>
    ) -> CheckProgram.Answer {
        if let names = pointee.names {
            let answer = withName(key) { names.check($0, work) }
            if answer != .valid { return answer }
        }
        var isKnown = isDeclared
        for index in 0..<pointee.patterns.count {
            work.pointee.remaining &-= 1
            if work.pointee.remaining < 0 { return .unsure }
            let property = pointee.patterns[index].pointee
            switch property.pattern._withUnsafeGuaranteedRef({ $0.quickSearch(key) }) {
            case .absent: continue
            case .gaveUp: return .unsure
            case .found:
                isKnown = true
                let answer = property.node.check(value, work)
                if answer != .valid { return answer }
            }
        }
        if isKnown { return .valid }
        switch pointee.unknown {
        case .allowed: return .valid
        case .checked: return pointee.additional.unsafelyUnwrapped.check(value, work)
        case .refused: return isAllied(key, work) ? .valid : .invalid
        case .unsure: return isAllied(key, work) ? .valid : .unsure
        }
    }

    /// A key as a value of its own.
    private func withName(
        _ key: UnsafeRawBufferPointer, _ body: (ValueCursor) -> CheckProgram.Answer
    ) -> CheckProgram.Answer {
        withUnsafeTemporaryAllocation(byteCount: key.count + 5, alignment: 1) { buffer in
            buffer[0] = ValueTag.string.rawValue
            buffer.storeBytes(of: UInt32(truncatingIfNeeded: key.count).littleEndian, toByteOffset: 1, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: buffer[5...]).copyMemory(from: key)
            return body(ValueCursor(UnsafeRawBufferPointer(buffer)))
        }
    }

    private func isAllied(_ key: UnsafeRawBufferPointer, _ work: UnsafeMutablePointer<CheckWork>) -> Bool {
        work.pointee.remaining &-= pointee.allied.count &>> 3
        for index in 0..<pointee.allied.count where pointee.allied[index].pointee.elementsEqual(key) { return true }
        return false
    }

    private func checkDependencies(_ value: ValueCursor) -> CheckProgram.Answer {
        for index in 0..<pointee.dependencies.count {
            let dependency = pointee.dependencies[index].pointee
            guard value.value(forKey: dependency.key) != nil else { continue }
            for need in 0..<dependency.needs.count where value.value(forKey: dependency.needs[need].pointee) == nil {
                return .invalid
            }
        }
        return .valid
    }
}
