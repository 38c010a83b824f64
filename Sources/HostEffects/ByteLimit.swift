internal import FlatValue
internal import WorkflowCore

/// A bound in bytes that a script gives to a call.
enum ByteLimit {
    /// Reads a whole number from 0 on; also one that Lua holds as a float.
    ///
    /// - Parameters:
    ///   - usual: what holds where nothing is given.
    ///   - largest: the most that may be asked for.
    static func read(_ value: Value?, _ name: String, usual: Int, largest: Int) throws(HostFailure) -> Int {
        guard let value, !value.isNull else { return usual }
        guard let number = value.number, number >= 0, number == number.rounded() else {
            throw .invalid("\(name) takes a whole number of bytes, got \(value.json.prefix(60))")
        }
        guard let limit = Int(exactly: number), limit <= largest else {
            throw .invalid("\(name) is at most \(largest) bytes (\(largest >> 20) MiB), got \(value.json.prefix(60))")
        }
        return limit
    }
}
