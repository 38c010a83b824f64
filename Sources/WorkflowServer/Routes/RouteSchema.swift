internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Schemas of what several routes read, for the OpenAPI document: they say what the routes take and what they refuse.
enum RouteSchema {
    /// A time as ``Timestamp`` reads it.
    static let time: Value = [
        "anyOf": [
            ["type": "string", "format": "date-time"], ["type": "string", "format": "date"],
            ["type": "integer", "minimum": -9_007_199_254_740_991, "maximum": 9_007_199_254_740_991],
        ]
    ]

    /// When a run is to begin, in this century.
    static let startTime: Value = [
        "anyOf": [
            ["type": "string", "format": "date-time", "pattern": "^(19|20)[0-9]{2}-"],
            ["type": "string", "format": "date", "pattern": "^(19|20)[0-9]{2}-"],
            ["type": "integer", "minimum": 0, "maximum": 4_102_444_800_000], ["type": "null"],
        ]
    ]

    static let duration: Value = [
        "anyOf": [
            ["type": "string", "pattern": "^[1-9][0-9]{0,5}(ms|s|m|h)$"],
            ["type": "number", "minimum": 0.001, "maximum": 3_000_000_000], ["type": "null"],
        ]
    ]

    /// Yes or no in a query, where a name alone is yes.
    static let flag: Value = ["anyOf": [["type": "boolean"], ["type": "string", "enum": ["", "0", "1"]]]]

    static let statuses: Value = {
        let one = "(" + RunMachine.Status.allCases.map(\.rawValue).joined(separator: "|") + ")"
        return ["type": "string", "pattern": Value("^\(one)(,\(one))*$")]
    }()

    /// Names of events, separated by commas.
    static let types: Value = ["type": "string", "pattern": "^[^,]+(,[^,]+)*$"]

    private static let tagName = #"[^\s:="\u0000-\u0020\u007f]{1,\#(RunTags.longestName)}"#

    /// `name:value` in a query.
    static let tag: Value = [
        "type": "string",
        "pattern": Value(#"^\#(tagName):[^\u0000-\u001f\u007f]{0,\#(RunTags.longestText)}$"#),
    ]

    /// The tags that a run is started with.
    static let tags: Value = [
        "type": ["object", "null"], "maxProperties": Value(Int64(RunTags.most)),
        "propertyNames": ["pattern": Value("^\(tagName)$")],
        "additionalProperties": [
            "anyOf": [
                [
                    "type": "string", "maxLength": Value(Int64(RunTags.longestText)),
                    "pattern": #"^[^\u0000-\u001f\u007f]*$"#,
                ],
                ["type": "number"], ["type": "boolean"],
            ]
        ],
    ]

    static let runID: Value = [
        "type": ["string", "null"], "minLength": 1, "maxLength": 200, "pattern": #"^[^\u0000-\u001f\u007f-\u009f]+$"#,
        "not": ["enum": [".", ".."]],
    ]

    static let object: Value = ["type": ["object", "null"]]
    static let text: Value = ["type": ["string", "null"]]
    static let choice: Value = ["type": ["boolean", "null"]]

    /// How a run is traced; keys as scripts or as AI Kit writes them.
    static let telemetry: Value = {
        let fields: [(String, String, Value)] = [
            ("trace_name", "traceName", text), ("user_id", "userId", text), ("session_id", "sessionId", text),
            ("environment", "environment", text), ("record_inputs", "recordInputs", choice),
            ("record_outputs", "recordOutputs", choice), ("metadata", "metadata", object),
            ("tags", "tags", ["type": ["array", "null"], "items": ["type": "string"]]),
        ]
        var properties: [(String, Value)] = []
        for (name, other, schema) in fields {
            properties.append((name, schema))
            if other != name { properties.append((other, schema)) }
        }
        return [
            "anyOf": [
                ["type": ["boolean", "null"]],
                ["type": "object", "properties": Value(entries: properties), "additionalProperties": false],
            ]
        ]
    }()

    /// Of two fields one may be there; null counts as absent.
    static func excluding(_ one: String, _ other: String) -> Value {
        let isThere: Value = ["not": ["type": "null"]]
        return [
            "required": [Value(one), Value(other)],
            "properties": Value(entries: [(one, isThere), (other, isThere)]),
        ]
    }
}
