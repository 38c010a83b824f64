/// Names of Unicode properties: ECMA-262 knows the long ones of categories, PCRE2 only the short ones.
enum UnicodeProperty {
    static func spelling(of name: String, isNegated: Bool) -> String {
        var value = name
        var isScript = false
        if let equals = name.firstIndex(of: "=") {
            value = String(name[name.index(after: equals)...])
            let key = normalized(String(name[..<equals]))
            isScript = key == "script" || key == "sc" || key == "scriptextensions" || key == "scx"
            if isScript {
                let prefix = key.hasPrefix("scriptextensions") || key == "scx" ? "scx" : "sc"
                return "\\\(isNegated ? "P" : "p"){\(prefix):\(value)}"
            }
        }
        if normalized(value) == "assigned" { return isNegated ? "\\p{Cn}" : "\\P{Cn}" }
        return "\\\(isNegated ? "P" : "p"){\(categories[normalized(value)] ?? value)}"
    }

    private static func normalized(_ name: String) -> String { name.lowercased().filter { $0 != "_" && $0 != " " } }

    private static let categories: [String: String] = [
        "letter": "L", "casedletter": "L&", "lc": "L&", "uppercaseletter": "Lu", "lowercaseletter": "Ll",
        "titlecaseletter": "Lt",
        "modifierletter": "Lm", "otherletter": "Lo", "mark": "M", "combiningmark": "M", "nonspacingmark": "Mn",
        "spacingmark": "Mc", "enclosingmark": "Me", "number": "N", "decimalnumber": "Nd", "digit": "Nd",
        "letternumber": "Nl",
        "othernumber": "No", "punctuation": "P", "punct": "P", "connectorpunctuation": "Pc", "dashpunctuation": "Pd",
        "openpunctuation": "Ps", "closepunctuation": "Pe", "initialpunctuation": "Pi", "finalpunctuation": "Pf",
        "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm", "currencysymbol": "Sc", "modifiersymbol": "Sk",
        "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs", "lineseparator": "Zl",
        "paragraphseparator": "Zp",
        "other": "C", "control": "Cc", "cntrl": "Cc", "format": "Cf", "surrogate": "Cs", "privateuse": "Co",
        "unassigned": "Cn",
    ]
}
