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
        /// The place in the run's journal of what the step said so, from 1; 0 for anything else.
        var sequence = 0
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
    /// How many events there were besides.
    public var droppedEvents = 0
    /// Whether only that is there which figures are made of.
    var isBrief = false
    /// What the engine made it for.
    var role = Role.made
    /// The id of the run's workflow, as spans have it.
    var workflow = ""
    /// The id of the run.
    var run = ""
    /// The place in the run's journal of the entry that ended it, from 1.
    var entry = 0

    /// What a span stands for, whatever its attributes say.
    enum Role: Sendable {
        case run, step
        /// The call of a model.
        case model
        /// What a script made, or a request of one.
        case made
    }

    /// Events of one span; more are counted only.
    static let eventLimit = 1000
    /// Bytes of a name.
    static let nameLimit = 1000
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
    /// How many a script has set besides.
    public private(set) var droppedCount = 0

    /// How many a script may set.
    private static let ownLimit = 128
    private var ownCount = 0

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

    /// Sets what a script gives; of names that are too long or the engine's own, and of what is more than a span may have, only the
    /// number is kept.
    mutating func setOwn(_ key: String, _ value: Item) {
        guard !key.isEmpty, key.utf8.count <= Span.nameLimit, !Names.isReserved(key) else { return droppedCount += 1 }
        if self[key] == nil {
            guard ownCount < Self.ownLimit else { return droppedCount += 1 }
            ownCount += 1
        }
        self[key] = value
    }

    /// Leaves some away.
    mutating func remove(where isUnwanted: (String) -> Bool) { items.removeAll { isUnwanted($0.key) } }

    /// Sets a text; none changes nothing.
    mutating func set(_ key: String, _ text: String?) {
        if let text { self[key] = .string(text) }
    }

    public static func == (left: Attributes, right: Attributes) -> Bool {
        left.items.count == right.items.count && left.items.allSatisfy { right[$0.key] == $0.value }
    }
}
