internal import FlatValue

/// The index of a node in its graph.
typealias NodeID = Int

/// One schema or subschema, compiled: what each keyword asks for, with references resolved to nodes.
///
/// Nodes refer to each other by index, so that recursive schemas make no cycle of objects.
final class SchemaNode: Sendable {
    let id: NodeID
    /// The URI of the document; empty for the main one.
    private let document: String
    private let pointer: SchemaPointer
    /// The index of the schema resource (the nearest `$id`) that it belongs to.
    let resource: Int
    let rules: SchemaRules

    init(id: NodeID, document: String, pointer: SchemaPointer, resource: Int, rules: SchemaRules) {
        self.id = id
        self.document = document
        self.pointer = pointer
        self.resource = resource
        self.rules = rules
    }

    /// Where the schema stands: `#/properties/city`, after a URI where it is not the main document.
    var location: String { "\(document)#\(pointer.text)" }

    func error(_ message: String) -> SchemaError {
        SchemaError(document: document, pointer: pointer.text, message: message)
    }
}

/// The keywords of one schema; nil or empty where a keyword is absent.
///
/// An object, so that passing it on does not copy dozens of fields; only its builder changes it, before anyone else sees it.
final class SchemaRules: @unchecked Sendable {
    /// What a boolean schema says.
    var verdict: Bool?

    // Any instance
    var types: SchemaTypes?
    var enumeration: [Value]?
    var constant: Value?

    // Numbers
    var minimum: NumberBound?
    var maximum: NumberBound?
    var exclusiveMinimum: NumberBound?
    var exclusiveMaximum: NumberBound?
    var multipleOf: Divisor?

    // Strings
    var minLength: Int?
    var maxLength: Int?
    var pattern: Pattern?
    var format: Format?

    // Arrays
    var prefixItems: [NodeID] = []
    var items: NodeID?
    var contains: NodeID?
    var minContains: Int?
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var uniqueItems = false
    var unevaluatedItems: NodeID?

    // Objects
    var properties: [(key: String, node: NodeID)] = []
    var propertyIndex: [ByteText: Int] = [:]
    /// The keys as bytes, in the order of `properties`.
    var propertyKeys: [[UInt8]] = []
    /// Whether a default stands in for a key that is absent.
    var fillsDefaults = false
    var patternProperties: [(pattern: Pattern, node: NodeID)] = []
    var additionalProperties: NodeID?
    var propertyNames: NodeID?
    var minProperties: Int?
    var maxProperties: Int?
    var required: [String] = [] {
        didSet { requiredNames = required.count > 8 ? Set(required.map(ByteText.init)) : [] }
    }
    /// The required keys where they are many.
    private var requiredNames: Set<ByteText> = []
    var dependentRequired: [(key: String, needs: [String])] = []
    var dependentSchemas: [(key: String, node: NodeID)] = []
    var unevaluatedProperties: NodeID?

    // In place
    var reference: NodeID?
    /// The target as `$ref` would find it, and the anchor by which the dynamic scope may replace it.
    var dynamicReference: (target: NodeID, anchor: String?)?
    var allOf: [NodeID] = []
    var anyOf: [NodeID] = []
    var oneOf: [NodeID] = []
    var not: NodeID?
    var condition: NodeID?
    var then: NodeID?
    var otherwise: NodeID?

    // Annotations and our extension
    /// `writeOnly`.
    var isSecret = false
    var title: String?
    var explanation: String?
    var defaultValue: Value?
    var contentMediaType: String?
    var contentEncoding: String?
    var `extension`: SchemaExtension?

    /// The place of a key among the properties.
    func property(_ key: UnsafeRawBufferPointer) -> Int? {
        if propertyKeys.count > 12 { return propertyIndex[ByteText(String(decoding: key, as: UTF8.self))] }
        return propertyKeys.firstIndex { $0.count == key.count && $0.withUnsafeBytes { $0.elementsEqual(key) } }
    }

    func requires(_ key: String) -> Bool {
        requiredNames.isEmpty ? required.contains { $0.isSpelled(like: key) } : requiredNames.contains(ByteText(key))
    }

    var hasNumberRules: Bool {
        minimum != nil || maximum != nil || exclusiveMinimum != nil || exclusiveMaximum != nil || multipleOf != nil
    }

    var hasStringRules: Bool { minLength != nil || maxLength != nil || pattern != nil || format != nil }

    var hasArrayRules: Bool {
        !prefixItems.isEmpty || items != nil || contains != nil || minItems != nil || maxItems != nil || uniqueItems
            || unevaluatedItems != nil
    }

    var hasObjectRules: Bool {
        !properties.isEmpty || !patternProperties.isEmpty || additionalProperties != nil || propertyNames != nil
            || minProperties != nil || maxProperties != nil || !required.isEmpty || !dependentRequired.isEmpty
            || !dependentSchemas.isEmpty || unevaluatedProperties != nil || `extension`?.unknown != nil
    }

    /// The target of a schema that is nothing but a reference.
    var bareReference: NodeID? {
        guard let reference, verdict == nil, types == nil, enumeration == nil, constant == nil, !hasNumberRules,
            !hasStringRules,
            !hasArrayRules, !hasObjectRules, `extension` == nil, inPlace.count == 1, dynamicReference == nil
        else { return nil }
        return reference
    }

    /// The schemas that look at the same instance as this one.
    var inPlace: [NodeID] {
        allOf + anyOf + oneOf + dependentSchemas.map(\.node)
            + [reference, not, condition, then, otherwise].compactMap { $0 }
    }
}

/// The keyword `x-aikit`: what the script's schema library asks for beyond JSON Schema.
///
/// An object for the same reason as ``SchemaRules``.
final class SchemaExtension: @unchecked Sendable {
    enum UnknownKeys: String, Sendable {
        case strip, strict, passthrough
    }

    var unknown: UnknownKeys?
    var coerce = false
    var trim = false
    var lower = false
    var upper = false
    var optional = false
    /// The key whose value tells the branches of a union apart.
    var discriminator: String?
    /// What the script's functions do with a value that passes the rest, in the order of the chain that made the schema.
    var functions: [Function] = []
    /// Keys that this schema and the others of an intersection declare, so that stripping leaves them alone.
    var alliedKeys = AlliedKeys.none

    /// One link of the chain: a refinement sees what the transformations before it have made.
    enum Function: Sendable {
        case refine(Refinement)
        case transform(slot: Int)
    }

    /// A test by a function of the script, and the message where it gives none.
    struct Refinement: Sendable {
        let slot: Int
        let message: String?
        /// The place within the value that is to blame.
        let path: [String]
    }

    var convertsText: Bool { trim || lower || upper }
    var callsFunctions: Bool { !functions.isEmpty }
    var transforms: Bool {
        functions.contains { if case .transform = $0 { true } else { false } }
    }
}

/// All nodes that are reachable from the root, and the resources that they stand in.
struct SchemaGraph: Sendable {
    var nodes: [SchemaNode]
    var root: NodeID
    /// For each resource the nodes of its dynamic anchors.
    var dynamicAnchors: [[String: NodeID]]
    /// Whether some schema asks what others have evaluated.
    var tracksEvaluated: Bool
    /// Whether the verdict of a schema on a value may depend on the dynamic scope.
    let usesScope: Bool

    init(nodes: [SchemaNode], root: NodeID, dynamicAnchors: [[String: NodeID]], tracksEvaluated: Bool) {
        self.nodes = nodes
        self.root = root
        self.dynamicAnchors = dynamicAnchors
        self.tracksEvaluated = tracksEvaluated
        usesScope = nodes.contains { $0.rules.dynamicReference?.anchor != nil }
    }

    /// Whether a default stands in for the whole value where it is absent.
    var fillsAbsentRoot: Bool {
        let rules = nodes[root].rules
        return rules.extension != nil && rules.defaultValue != nil
    }

    subscript(_ id: NodeID) -> SchemaNode { nodes[id] }
}
