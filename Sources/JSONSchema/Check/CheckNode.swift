internal import FlatValue

/// One schema of the fast check.
///
/// The kinds of value are bits at the place of their tag: those that need no more than the rules below, and those that only
/// the thorough evaluation can judge; all others are refused.
struct CheckNode: BitwiseCopyable {
    var allowed: UInt16 = 0
    var unsure: UInt16 = 0
    var object: UnsafePointer<CheckObject>?
    var array: UnsafePointer<CheckArray>?
    var number: UnsafePointer<CheckNumber>?
    var string: UnsafePointer<CheckString>?
    var constant: UnsafePointer<CheckList<CheckChoice>>?
    var choices: UnsafePointer<CheckList<CheckChoice>>?
    var inPlace: UnsafePointer<CheckInPlace>?
    /// Whether there is more to check than what belongs to the kind of value.
    var hasMore = false
    /// Whether the kind of value is all that matters.
    var isPlain = false

    @inline(__always)
    static func bit(_ tag: ValueTag) -> UInt16 { 1 << UInt16(tag.rawValue) }

    @inline(__always)
    static func bits(_ tags: ValueTag...) -> UInt16 { tags.reduce(0) { $0 | bit($1) } }

    static let everything: UInt16 = 0x1FF
}

// Checks are functions of the pointers: a structure this large would be copied to call a function of its own.
extension UnsafePointer<CheckNode> {
    /// Whether a value is valid by its kind alone, which most fields are.
    @inline(__always)
    func isPlainlyValid(_ value: ValueCursor) -> Bool {
        pointee.isPlain && pointee.allowed & (1 << UInt16(value.start.load(as: UInt8.self))) != 0
    }

    func check(_ value: ValueCursor, _ work: UnsafeMutablePointer<CheckWork>) -> CheckProgram.Answer {
        work.pointee.remaining &-= 1
        if work.pointee.remaining < 0 { return .unsure }
        let bit: UInt16 = 1 << UInt16(value.start.load(as: UInt8.self))
        if pointee.allowed & bit == 0 { return pointee.unsure & bit == 0 ? .invalid : .unsure }
        switch value.tag {
        case .object:
            if let object = pointee.object {
                let answer = object.check(value, work)
                if answer != .valid { return answer }
            }
        case .string:
            if let string = pointee.string {
                let answer = string.check(value.stringBytes.unsafelyUnwrapped)
                if answer != .valid { return answer }
            }
        case .int, .double:
            if let number = pointee.number, !number.check(value) { return .invalid }
        case .array:
            if let array = pointee.array {
                let answer = array.check(value, work)
                if answer != .valid { return answer }
            }
        case .null, .true, .false, .emptyTable: break
        }
        if !pointee.hasMore { return .valid }
        if let constant = pointee.constant, !constant.pointee.contains(value) { return .invalid }
        if let choices = pointee.choices {
            work.pointee.remaining &-= choices.pointee.count &>> 6
            if !choices.pointee.contains(value) { return .invalid }
        }
        return pointee.inPlace?.check(value, work) ?? .valid
    }
}
