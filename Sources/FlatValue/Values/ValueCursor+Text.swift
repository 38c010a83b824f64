extension ValueCursor {
    /// The value as JSON text that fits into a message: at most 60 characters.
    package var shortText: String {
        let text = Value(self).json
        return text.count <= 60 ? text : text.prefix(57) + "..."
    }
}
