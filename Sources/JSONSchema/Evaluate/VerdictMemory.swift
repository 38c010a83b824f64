/// Verdicts of one validation, so that a schema which reaches a value on many ways judges it once.
///
/// Unions whose branches refer to the same schema would else double the work with each level. Small validations never use
/// it: it begins after ``threshold`` steps. Functions of scripts are called once for what is remembered.
struct VerdictMemory {
    struct Key: Hashable {
        let node: NodeID
        /// Where the value lies in memory, which does not move during a validation.
        let value: UnsafeRawPointer
        /// The resources that evaluation is in; empty where no schema asks for them.
        let scope: [Int]
    }

    enum Entry {
        /// The schema is being applied to the value: to come back to it leads nowhere.
        case underWay
        /// `issues` is what a refusal told; nil where nobody wanted to hear it.
        case judged(SchemaEvaluation.Verdict, parts: EvaluatedParts, issues: [SchemaIssue]?)
    }

    static let threshold = 4096
    /// Bounds the memory; what does not fit is judged anew.
    private static let capacity = 100_000

    private var entries: [Key: Entry] = [:]

    subscript(_ key: Key) -> Entry? {
        get { entries[key] }
        set { if newValue == nil || entries.count < Self.capacity { entries[key] = newValue } }
    }
}
