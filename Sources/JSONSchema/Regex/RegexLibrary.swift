internal import CPCRE2

/// The library that matches regular expressions.
package enum RegexLibrary {
    /// Its release and date, such as `10.42 2022-12-11`.
    package static var version: String {
        let size = pcre2_config_8(UInt32(PCRE2_CONFIG_VERSION), nil)
        guard size > 0 else { return "unknown" }
        var text = [CChar](repeating: 0, count: Int(size) + 1)
        _ = pcre2_config_8(UInt32(PCRE2_CONFIG_VERSION), &text)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
