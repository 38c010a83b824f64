/// The formats that can be asserted: those of draft 2020-12, and `base64`, `url` and `ip` of ours.
enum Format: String, CaseIterable, Sendable {
    case dateTime = "date-time"
    case date
    case time
    case duration
    case email
    case idnEmail = "idn-email"
    case hostname
    case idnHostname = "idn-hostname"
    case ipv4
    case ipv6
    case uri
    case uriReference = "uri-reference"
    case iri
    case iriReference = "iri-reference"
    case uriTemplate = "uri-template"
    case uuid
    case jsonPointer = "json-pointer"
    case relativeJSONPointer = "relative-json-pointer"
    case regex
    case base64
    /// An absolute `http` or `https` URL with a host.
    case url
    case ip

    func accepts(_ text: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .dateTime: TimeFormats.isDateTime(text)
        case .date: TimeFormats.isDate(text)
        case .time: TimeFormats.isTime(text)
        case .duration: TimeFormats.isDuration(text)
        case .email: NameFormats.isEmail(text, international: false)
        case .idnEmail: NameFormats.isEmail(text, international: true)
        case .hostname: NameFormats.isHostname(text)
        case .idnHostname: NameFormats.isInternationalHostname(text)
        case .ipv4: AddressFormats.isIPv4(text)
        case .ipv6: AddressFormats.isIPv6(text)
        case .ip: AddressFormats.isIPv4(text) || AddressFormats.isIPv6(text)
        case .uri: URIFormats.isURI(text, international: false)
        case .uriReference: URIFormats.isReference(text, international: false)
        case .iri: URIFormats.isURI(text, international: true)
        case .iriReference: URIFormats.isReference(text, international: true)
        case .uriTemplate: URIFormats.isTemplate(text)
        case .url: URIFormats.isURL(text)
        case .uuid: CodeFormats.isUUID(text)
        case .jsonPointer: CodeFormats.isJSONPointer(text)
        case .relativeJSONPointer: CodeFormats.isRelativeJSONPointer(text)
        case .regex: CodeFormats.isRegex(text)
        case .base64: CodeFormats.isBase64(text)
        }
    }

    /// How a message names it.
    var name: String {
        switch self {
        case .dateTime: "a date and time such as 2025-01-31T12:00:00Z"
        case .date: "a date such as 2025-01-31"
        case .time: "a time such as 12:00:00Z"
        case .duration: "a duration such as P3DT12H"
        case .email, .idnEmail: "an email address"
        case .hostname, .idnHostname: "a host name"
        case .ipv4: "an IPv4 address"
        case .ipv6: "an IPv6 address"
        case .ip: "an IP address"
        case .uri: "a URI"
        case .uriReference: "a URI reference"
        case .iri: "an IRI"
        case .iriReference: "an IRI reference"
        case .uriTemplate: "a URI template"
        case .url: "a URL such as https://example.com"
        case .uuid: "a UUID"
        case .jsonPointer: "a JSON pointer"
        case .relativeJSONPointer: "a relative JSON pointer"
        case .regex: "a regular expression"
        case .base64: "base64 text"
        }
    }
}
