extension ByteArena {
    /// Appends JSON text as it is.
    package mutating func append(text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a text as a quoted JSON string.
    package mutating func append(jsonString text: String) {
        var text = text
        text.withUTF8 { bytes in
            var printer = JSONPrinter(into: self, pretty: false)
            printer.write(string: UnsafeRawBufferPointer(bytes))
            self = printer.arena
        }
    }
}
