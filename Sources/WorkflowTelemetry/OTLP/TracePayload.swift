internal import FlatValue
internal import WorkflowCore

/// Spans as the body of an OTLP/HTTP request in JSON: ids in hexadecimal, 64-bit numbers as text, enumerations as numbers.
///
/// ``add(_:)`` writes one span after the other; ``finish()`` gives the body.
struct TracePayload: ~Copyable {
    private var text = ByteArena()
    private(set) var count = 0

    /// - Parameter resource: what every span of the process says, such as `service.name`.
    init(resource: Attributes, version: String) {
        text.append(text: #"{"resourceSpans":[{"resource":{"attributes":"#)
        text.append(resource)
        text.append(text: #"},"scopeSpans":[{"scope":{"name":"aikit-lua","version":"#)
        text.append(jsonString: version)
        text.append(text: #"},"spans":["#)
    }

    deinit {
        var text = text
        text.deallocate()
    }

    mutating func add(_ span: Span) {
        if count > 0 { text.append(text: ",") }
        count += 1
        text.append(span)
    }

    mutating func finish() -> [UInt8] {
        text.append(text: "]}]}]}")
        return Array(text.bytes)
    }
}

extension ByteArena {
    fileprivate mutating func append(_ span: Span) {
        append(text: #"{"traceId":"#)
        append(jsonString: span.trace.hex)
        append(text: #","spanId":"#)
        append(jsonString: span.id.hex)
        if let parent = span.parent {
            append(text: #","parentSpanId":"#)
            append(jsonString: parent.hex)
        }
        append(text: #","name":"#)
        append(jsonString: span.name)
        append(text: #","kind":"#)
        append(number: Int64(span.kind.rawValue))
        append(text: #","startTimeUnixNano":"#)
        append(nanoseconds: span.start)
        append(text: #","endTimeUnixNano":"#)
        append(nanoseconds: span.end)
        append(text: #","attributes":"#)
        append(span.attributes)
        if !span.events.isEmpty {
            append(text: #","events":"#)
            append(list: span.events) { arena, event in
                arena.append(text: #"{"timeUnixNano":"#)
                arena.append(nanoseconds: event.time)
                arena.append(text: #","name":"#)
                arena.append(jsonString: event.name)
                arena.append(text: #","attributes":"#)
                arena.append(event.attributes)
                arena.append(text: "}")
            }
        }
        if !span.links.isEmpty {
            append(text: #","links":"#)
            append(list: span.links) { arena, link in
                arena.append(text: #"{"traceId":"#)
                arena.append(jsonString: link.trace.hex)
                arena.append(text: #","spanId":"#)
                arena.append(jsonString: link.span.hex)
                arena.append(text: "}")
            }
        }
        append(text: #","status":{"#)
        switch span.status {
        case .unset: break
        case .ok: append(text: #""code":1"#)
        case .error(let message):
            append(text: #""code":2,"message":"#)
            append(jsonString: message)
        }
        append(text: "}}")
    }

    fileprivate mutating func append(_ attributes: Attributes) {
        append(list: attributes.items) { arena, item in
            arena.append(text: #"{"key":"#)
            arena.append(jsonString: item.key)
            arena.append(text: #","value":"#)
            arena.append(item.value)
            arena.append(text: "}")
        }
    }

    private mutating func append(_ item: Attributes.Item) {
        switch item {
        case .string(let text):
            append(text: #"{"stringValue":"#)
            append(jsonString: text)
        case .int(let number):
            append(text: #"{"intValue":""#)
            append(number: number)
            append(text: #"""#)
        case .double(let number):
            append(text: #"{"doubleValue":"#)
            if number.isFinite { append(raw: number.description) } else { append(jsonString: Self.name(of: number)) }
        case .bool(let flag): append(text: flag ? #"{"boolValue":true"# : #"{"boolValue":false"#)
        case .strings(let texts):
            append(text: #"{"arrayValue":{"values":"#)
            append(list: texts) { arena, text in
                arena.append(text: #"{"stringValue":"#)
                arena.append(jsonString: text)
                arena.append(text: "}")
            }
            append(text: "}")
        }
        append(text: "}")
    }

    /// The names that protobuf's JSON has for numbers which JSON cannot write.
    private static func name(of number: Double) -> String {
        number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    }

    private mutating func append<Item>(list: [Item], _ write: (inout ByteArena, Item) -> Void) {
        append(text: "[")
        for (index, item) in list.enumerated() {
            if index > 0 { append(text: ",") }
            write(&self, item)
        }
        append(text: "]")
    }

    private mutating func append(number: Int64) { append(raw: String(number)) }

    /// A time in microseconds as text in nanoseconds.
    private mutating func append(nanoseconds microseconds: Int64) {
        append(text: #"""#)
        append(raw: String(max(microseconds, 0)))
        append(text: #"000""#)
    }

    private mutating func append(raw text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }
}
