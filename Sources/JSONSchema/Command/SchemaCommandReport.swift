public import FlatValue

/// What `aikit-lua schema validate` says of instances, apart from reading and printing.
///
/// A schema is compiled once and kept for the lines of a batch that bring the same one.
public struct SchemaCommandReport {
    /// How verdicts are written.
    public enum Format: String, Sendable, CaseIterable {
        case text, json
    }

    /// The exit codes of the command.
    public enum Status: Int32, Sendable {
        case valid = 0
        case invalid = 1
        case badSchema = 2
    }

    /// The verdict on one instance.
    public struct Verdict: Sendable, Equatable {
        public let status: Status
        public let issues: [SchemaIssue]
        /// Why the schema or the text of the instance cannot be used.
        public let error: String?

        /// The verdict as one JSON value: `{"valid":false,"issues":[…]}`, or `{"error":…}` for what cannot be used.
        public var value: Value {
            if let error { return ["error": Value(error), "valid": false] }
            return ["valid": Value(status == .valid), "issues": Value(array: issues.map(\.value))]
        }

        /// The verdict for a reader: a line for each issue, its JSON pointer first.
        public var text: String {
            if let error { return error }
            if issues.isEmpty { return "valid" }
            return issues.map { "\($0.pointer.isEmpty ? "(root)" : $0.pointer): \($0.message)" }.joined(separator: "\n")
        }

        public func text(_ format: Format) -> String { format == .json ? value.json : text }
    }

    private let options: Schema.Options
    private var compiled: (document: Value, result: Result<Schema, SchemaError>)?

    /// Called before the validation of each instance: what says whether it may go on, asked about every millisecond; nil for any
    /// time.
    public var watch: (() -> () -> Bool)?

    public init(options: Schema.Options = Schema.Options()) { self.options = options }

    /// Judges one instance, both given as JSON text.
    public mutating func validate(schema: UnsafeRawBufferPointer, instance: UnsafeRawBufferPointer) -> Verdict {
        switch read(schema, what: "the schema") {
        case .failure(let verdict): verdict
        case .success(let schema): validate(schema: schema, instance: instance)
        }
    }

    /// Judges one instance, given as JSON text.
    public mutating func validate(schema: Value, instance: UnsafeRawBufferPointer) -> Verdict {
        switch read(instance, what: "the instance") {
        case .failure(let verdict): Verdict(status: .invalid, issues: [], error: verdict.error)
        case .success(let instance): validate(schema: schema, instance: instance)
        }
    }

    public mutating func validate(schema document: Value, instance: Value) -> Verdict {
        switch schema(document) {
        case .failure(let error):
            return Verdict(status: .badSchema, issues: [], error: "bad schema: \(error.description)")
        case .success(let schema):
            let functions = watch.map { PassedFunctions(goesOn: $0()) }
            switch schema.validate(instance, functions: functions) {
            case .valid: return Verdict(status: .valid, issues: [], error: nil)
            case .invalid(let issues): return Verdict(status: .invalid, issues: issues, error: nil)
            case .stopped:
                return Verdict(
                    status: .badSchema, issues: [], error: "the validation took longer than --timeout and was stopped")
            }
        }
    }

    /// Judges one line of a batch: `{"schema":…,"instance":…}`, or the instance alone where there is one schema for all.
    public mutating func validate(line: UnsafeRawBufferPointer, schema: Value?) -> Verdict {
        if let schema { return validate(schema: schema, instance: line) }
        switch read(line, what: "the line") {
        case .failure(let verdict): return verdict
        case .success(let line):
            guard let schema = line["schema"], let instance = line["instance"] else {
                return Verdict(status: .badSchema, issues: [], error: "the line has no 'schema' or no 'instance'")
            }
            return validate(schema: schema, instance: instance)
        }
    }

    /// The schema of a document, or why it is none.
    public mutating func schema(_ document: Value) -> Result<Schema, SchemaError> {
        if let compiled, compiled.document.withBytes({ old in document.withBytes { old.elementsEqual($0) } }) {
            return compiled.result
        }
        let result = Result { () throws(SchemaError) in try Schema(document, options: options) }
        compiled = (document, result)
        return result
    }

    private enum Reading {
        case success(Value)
        case failure(Verdict)
    }

    private func read(_ text: UnsafeRawBufferPointer, what: String) -> Reading {
        do throws(JSONError) {
            return .success(try Value(json: text))
        } catch {
            return .failure(Verdict(status: .badSchema, issues: [], error: "\(what) is not JSON: \(error.description)"))
        }
    }
}
