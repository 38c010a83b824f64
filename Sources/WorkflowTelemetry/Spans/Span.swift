/// One span, as OpenTelemetry has them; times in microseconds since 1970.
public struct Span: Sendable, Equatable {
    public enum Kind: Int, Sendable { case `internal` = 1, server, client }

    public enum Status: Sendable, Equatable {
        case unset
        case ok
        case error(String)
    }

    /// Something that happened within the span.
    public struct Event: Sendable, Equatable {
        public var name: String
        public var time: Int64
        public var attributes: Attributes
    }

    /// Another span that this one goes on from.
    public struct Link: Sendable, Equatable {
        public var trace: TraceID
        public var span: SpanID
    }

    public var trace: TraceID
    public var id: SpanID
    public var parent: SpanID?
    public var name: String
    public var kind = Kind.internal
    public var start: Int64
    public var end: Int64
    public var attributes = Attributes()
    public var status = Status.unset
    public var events: [Event] = []
    public var links: [Link] = []
}

/// Attributes in the order in which they were set, each key once.
public struct Attributes: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    public enum Item: Sendable, Equatable {
        case string(String)
        case int(Int64)
        case double(Double)
        case bool(Bool)
        case strings([String])
    }

    public private(set) var items: [(key: String, value: Item)] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, Item)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// A key without a value is taken away.
    public subscript(key: String) -> Item? {
        get { items.first { $0.key == key }?.value }
        set {
            let place = items.firstIndex { $0.key == key }
            switch (place, newValue) {
            case (let place?, let value?): items[place].value = value
            case (let place?, nil): items.remove(at: place)
            case (nil, let value?): items.append((key, value))
            case (nil, nil): break
            }
        }
    }

    /// Makes room for so many.
    mutating func reserve(_ count: Int) { items.reserveCapacity(count) }

    /// Sets a text; none changes nothing.
    mutating func set(_ key: String, _ text: String?) {
        if let text { self[key] = .string(text) }
    }

    public static func == (left: Attributes, right: Attributes) -> Bool {
        left.items.count == right.items.count && left.items.allSatisfy { right[$0.key] == $0.value }
    }
}
