internal import FlatValue
internal import WorkflowCore

/// Spans as OTLP's JSON has them: ids in hexadecimal, 64-bit numbers as text, enumerations as numbers.
///
/// Not to be used by several threads at once: it keeps the memory that it writes into.
final class SpanText {
    private var text = ByteArena()

    deinit { text.deallocate() }

    /// A span as a part of a request; without what it was given, what it gave and what happened in it where all of that is more
    /// than a request may be. Nil where it is larger all the same.
    func piece(_ span: Span) -> ExportPiece? {
        let whole = write(span)
        if whole.count <= BatchExporter.requestBytes { return whole }
        let bare = write(span.bare)
        return bare.count <= BatchExporter.requestBytes ? bare : nil
    }

    private func write(_ span: Span) -> ExportPiece {
        text.count = 0
        text.append(span)
        return Array(text.bytes)
    }
}

extension Span {
    /// The span without contents of any size.
    fileprivate var bare: Span {
        var bare = self
        bare.attributes.remove { $0.hasSuffix("put") || !Names.isOurs($0) }
        bare.droppedEvents += events.count
        bare.events = []
        return bare
    }
}

extension ByteArena {
    mutating func append(_ span: Span) {
        append(text: #"{"traceId":""#)
        append(hex: span.trace.high)
        append(hex: span.trace.low)
        append(text: #"","spanId":""#)
        append(hex: span.id.bits)
        if let parent = span.parent {
            append(text: #"","parentSpanId":""#)
            append(hex: parent.bits)
        }
        append(text: #"","name":"#)
        append(jsonString: span.name)
        append(text: #","kind":"#)
        append(number: Int64(span.kind.rawValue))
        append(text: #","startTimeUnixNano":"#)
        append(nanoseconds: span.start)
        append(text: #","endTimeUnixNano":"#)
        append(nanoseconds: span.end)
        append(text: #","attributes":"#)
        append(attributes: span.attributes)
        if span.attributes.droppedCount > 0 {
            append(text: #","droppedAttributesCount":"#)
            append(number: Int64(span.attributes.droppedCount))
        }
        if span.droppedEvents > 0 {
            append(text: #","droppedEventsCount":"#)
            append(number: Int64(span.droppedEvents))
        }
        if !span.events.isEmpty {
            append(text: #","events":"#)
            append(list: span.events) { arena, event in
                arena.append(text: #"{"timeUnixNano":"#)
                arena.append(nanoseconds: event.time)
                arena.append(text: #","name":"#)
                arena.append(jsonString: event.name)
                arena.append(text: #","attributes":"#)
                arena.append(attributes: event.attributes)
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

    mutating func append(attributes: Attributes) {
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
        // Nanoseconds have 64 bits, which go to the year 2554.
        append(raw: String(min(max(microseconds, 0), Int64(UInt64.max / 1000))))
        append(text: #"000""#)
    }

    /// 16 digits.
    private mutating func append(hex word: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
            append(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
        }
    }

    private mutating func append(raw text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }
}
