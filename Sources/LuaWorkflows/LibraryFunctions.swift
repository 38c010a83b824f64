internal import FlatValue
internal import Foundation
internal import WorkflowCore
internal import WorkflowEngine

/// What the script-side library has computed by the host: the offsets of time zones.
enum LibraryFunctions {
    /// The seconds that `{ zone, at }` is ahead of UTC; null where there is no such zone.
    ///
    /// - Parameter services: where zones are looked up in a process without files; nil for the system.
    static func offset(_ payload: ValueCursor, _ services: (any ScriptServices)?) -> Value {
        guard let name = payload["zone"]?.string, name.utf8.count <= 100 else { return .null }
        let time = Int(clamping: payload["at"]?.int ?? 0)
        let offset = services.map { $0.offset(ofZone: name, at: time) } ?? SystemZones.offset(of: name, at: time)
        return offset.map { Value(Int64($0)) } ?? .null
    }
}

/// The time zones of the system.
package enum SystemZones {
    /// The seconds that a zone is ahead of UTC at a time in seconds since 1970; nil where there is no such zone.
    package static func offset(of name: String, at time: Int) -> Int? {
        NamedTimeZone(name).map { $0.offset(at: time) }
    }
}
