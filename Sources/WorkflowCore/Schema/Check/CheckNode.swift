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

    @inline(__always)
    static func bit(_ tag: ValueTag) -> UInt16 { 1 << UInt16(tag.rawValue) }

    @inline(__always)
    static func bits(_ tags: ValueTag...) -> UInt16 { tags.reduce(0) { $0 | bit($1) } }

    static let everything: UInt16 = 0x1FF

    func check(_ value: ValueCursor) -> CheckProgram.Answer {
        let bit: UInt16 = 1 << UInt16(value.start.load(as: UInt8.self))
        if allowed & bit == 0 { return unsure & bit == 0 ? .invalid : .unsure }
        switch value.tag {
        case .object:
            if let object {
                let answer = object.pointee.check(value)
                if answer != .valid { return answer }
            }
        case .string:
            if let string {
                let answer = string.pointee.check(value.stringBytes.unsafelyUnwrapped)
                if answer != .valid { return answer }
            }
        case .int, .double:
            if let number, !number.pointee.check(value) { return .invalid }
        case .array:
            if let array {
                let answer = array.pointee.check(value)
                if answer != .valid { return answer }
            }
        case .null, .true, .false, .emptyTable: break
        }
        if let constant, !constant.pointee.contains(value) { return .invalid }
        if let choices, !choices.pointee.contains(value) { return .invalid }
        return inPlace == nil ? .valid : inPlace.unsafelyUnwrapped.pointee.check(value)
    }
}
