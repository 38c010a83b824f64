extension Value {
    /// Reads one JSON text.
    ///
    /// Digits alone that fit 64 bits become integers, all other numbers doubles; of a key given twice the last value counts.
    ///
    /// ```swift
    /// let value = try Value(json: #"{"city":"Oslo","wind":4.5}"#)
    /// ```
    ///
    /// - Parameter isStrict: whether a key that comes twice in the outermost object is an error
    ///   (``JSONError/repeatedKey``). Objects within take the last value all the same.
    public init(json: String, isStrict: Bool = false) throws(JSONError) {
        var json = json
        let result = json.withUTF8 { Self.parse(UnsafeRawBufferPointer($0), isStrict) }
        self = try result.get()
    }

    /// Reads one JSON text in UTF-8.
    public init(json bytes: UnsafeRawBufferPointer, isStrict: Bool = false) throws(JSONError) {
        self = try Self.parse(bytes, isStrict).get()
    }

    /// Reads JSON text that was written of a value of a script: `{}` is an empty table again, which may be a list as well.
    package init(scriptJSON json: String) throws(JSONError) {
        var json = json
        let result = json.withUTF8 { Self.parse(UnsafeRawBufferPointer($0), empty: .emptyTable) }
        self = try result.get()
    }

    /// Reads JSON text with every value of a key that comes twice: for a look at all that the text says, not for use.
    package init(wholeJSON json: String) throws(JSONError) {
        var json = json
        let result = json.withUTF8 { Self.parse(UnsafeRawBufferPointer($0), keepsAll: true) }
        self = try result.get()
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, _ isStrict: Bool = false, empty: ValueTag = .object, keepsAll: Bool = false
    ) -> Result<Value, JSONError> {
        var arena = ByteArena()
        defer { arena.deallocate() }
        do throws(JSONError) {
            let slice = try arena.appendJSON(bytes, isStrict: isStrict, empty: empty, keepsAll: keepsAll)
            return .success(Value(storage: Array(arena[slice])))
        } catch {
            return .failure(error)
        }
    }

    /// The value as JSON text on one line, keys sorted.
    public var json: String { withCursor(\.json) }

    /// The value as JSON text with two spaces a level, keys sorted.
    public var prettyJSON: String { withCursor(\.prettyJSON) }
}

extension ValueCursor {
    public var json: String { text(pretty: false) }
    public var prettyJSON: String { text(pretty: true) }

    /// Appends the value as JSON text; the value must not lie in that arena, which may move.
    public func writeJSON(into arena: inout ByteArena, pretty: Bool = false) {
        var printer = JSONPrinter(into: arena, pretty: pretty)
        printer.print(self)
        arena = printer.arena
    }

    private func text(pretty: Bool) -> String {
        var arena = ByteArena()
        defer { arena.deallocate() }
        writeJSON(into: &arena, pretty: pretty)
        return String(decoding: arena.bytes, as: UTF8.self)
    }
}

extension ByteArena {
    /// Reads one JSON text in UTF-8 that lies elsewhere, and appends its value; a failure leaves the arena as it was.
    ///
    /// - Parameter isStrict: whether a key that comes twice in the outermost object is an error.
    @discardableResult
    public mutating func appendJSON(
        _ text: UnsafeRawBufferPointer, isStrict: Bool = false
    ) throws(JSONError) -> Slice {
        try appendJSON(text, isStrict: isStrict, empty: .object, keepsAll: false)
    }

    /// - Parameter empty: what `{}` is read as.
    fileprivate mutating func appendJSON(
        _ text: UnsafeRawBufferPointer, isStrict: Bool, empty: ValueTag, keepsAll: Bool
    ) throws(JSONError) -> Slice {
        let start = count
        var parser = JSONParser(text, into: self, isStrict: isStrict, empty: empty, keepsAll: keepsAll)
        do throws(JSONError) {
            try parser.parseDocument()
        } catch {
            self = parser.arena
            count = start
            throw error
        }
        self = parser.arena
        return Slice(from: start, to: count)
    }
}
