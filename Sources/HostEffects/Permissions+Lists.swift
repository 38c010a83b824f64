internal import FlatValue

/// Lists of names as options and their values hold them.
extension Permissions.Scope {
    /// The names of a list with commas; a comma behind a backslash is part of a name.
    package static func names(in list: String) -> [String] {
        let comma = UInt8(ascii: ",")
        var (names, name) = ([String](), [UInt8]())
        for byte in list.utf8 {
            if byte != comma {
                name.append(byte)
            } else if name.last == UInt8(ascii: "\\") {
                name[name.count - 1] = comma
            } else {
                if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
                name = []
            }
        }
        if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
        return names
    }

    /// The list that ``names(in:)`` reads.
    static func list(of names: [String]) -> String {
        names.map { $0.pieces(between: ",", omittingEmpty: false).joined(separator: "\\,") }.joined(separator: ",")
    }
}

extension Sequence<String> {
    /// Whether a name is among these, byte by byte.
    func has(spelled name: String) -> Bool { contains { $0.isSpelled(like: name) } }
}
