internal import WorkflowEngine

/// What scripts of one engine share.
struct ScriptEnvironment: Sendable {
    let clock: any EngineClock
    let options: LuaScriptOptions

    var print: @Sendable (String) -> Void { options.print }
    var log: @Sendable (LogRecord) -> Void { options.log }

    func makeUUID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef")
        return bytes.enumerated().reduce(into: "") { text, byte in
            if [4, 6, 8, 10].contains(byte.offset) { text.append("-") }
            text.append(digits[Int(byte.element >> 4)])
            text.append(digits[Int(byte.element & 15)])
        }
    }
}
