internal import FlatValue

/// The meta-schemas of draft 2020-12, which describe schemas as schemas do.
enum MetaSchemas {
    static func document(_ uri: String) -> Value? {
        guard uri.hasPrefix(base) else { return nil }
        return documents[String(uri.dropFirst(base.count))]
    }

    private static let base = "https://json-schema.org/draft/2020-12/"

    private static let documents: [String: Value] = {
        var documents: [String: Value] = [:]
        for (name, vocabularies, body) in sources {
            let vocabulary = vocabularies.map { "\"\(base)vocab/\($0.name)\":\($0.isRequired)" }.joined(separator: ",")
            let text = """
                {"$schema":"\(base)schema","$id":"\(base)\(name)","$vocabulary":{\(vocabulary)},\
                "$dynamicAnchor":"meta","type":["object","boolean"],\(body)}
                """
            // The texts below are constant, and a test reads every one.
            documents[name] = try? Value(json: text)
        }
        return documents
    }()

    private typealias Vocabulary = (name: String, isRequired: Bool)

    private static let sources: [(name: String, vocabularies: [Vocabulary], body: String)] = [
        (
            "schema",
            [
                ("core", true), ("applicator", true), ("unevaluated", true), ("validation", true), ("meta-data", true),
                ("format-annotation", true), ("content", true),
            ],
            #"""
            "allOf":[{"$ref":"meta/core"},{"$ref":"meta/applicator"},{"$ref":"meta/unevaluated"},{"$ref":"meta/validation"},
            {"$ref":"meta/meta-data"},{"$ref":"meta/format-annotation"},{"$ref":"meta/content"}],
            "properties":{"definitions":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},"default":{}},
            "dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$dynamicRef":"#meta"},
            {"$ref":"meta/validation#/$defs/stringArray"}]},"default":{}},
            "$recursiveAnchor":{"$ref":"meta/core#/$defs/anchorString"},"$recursiveRef":{"$ref":"meta/core#/$defs/uriReferenceString"}}
            """#
        ),
        (
            "meta/core", [("core", true)],
            #"""
            "properties":{"$id":{"$ref":"#/$defs/uriReferenceString","pattern":"^[^#]*#?$"},"$schema":{"$ref":"#/$defs/uriString"},
            "$ref":{"$ref":"#/$defs/uriReferenceString"},"$anchor":{"$ref":"#/$defs/anchorString"},
            "$dynamicRef":{"$ref":"#/$defs/uriReferenceString"},"$dynamicAnchor":{"$ref":"#/$defs/anchorString"},
            "$vocabulary":{"type":"object","propertyNames":{"$ref":"#/$defs/uriString"},"additionalProperties":{"type":"boolean"}},
            "$comment":{"type":"string"},"$defs":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}}},
            "$defs":{"anchorString":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},
            "uriString":{"type":"string","format":"uri"},"uriReferenceString":{"type":"string","format":"uri-reference"}}
            """#
        ),
        (
            "meta/applicator", [("applicator", true)],
            #"""
            "properties":{"prefixItems":{"$ref":"#/$defs/schemaArray"},"items":{"$dynamicRef":"#meta"},"contains":{"$dynamicRef":"#meta"},
            "additionalProperties":{"$dynamicRef":"#meta"},"properties":{"$ref":"#/$defs/schemaMap"},
            "patternProperties":{"$ref":"#/$defs/schemaMap","propertyNames":{"format":"regex"}},
            "dependentSchemas":{"$ref":"#/$defs/schemaMap"},"propertyNames":{"$dynamicRef":"#meta"},"if":{"$dynamicRef":"#meta"},
            "then":{"$dynamicRef":"#meta"},"else":{"$dynamicRef":"#meta"},"allOf":{"$ref":"#/$defs/schemaArray"},
            "anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref":"#/$defs/schemaArray"},"not":{"$dynamicRef":"#meta"}},
            "$defs":{"schemaArray":{"type":"array","minItems":1,"items":{"$dynamicRef":"#meta"}},
            "schemaMap":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},"default":{}}}
            """#
        ),
        (
            "meta/unevaluated", [("unevaluated", true)],
            ##""properties":{"unevaluatedItems":{"$dynamicRef":"#meta"},"unevaluatedProperties":{"$dynamicRef":"#meta"}}"##
        ),
        (
            "meta/validation", [("validation", true)],
            #"""
            "properties":{"type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},{"type":"array","items":{"$ref":"#/$defs/simpleTypes"},
            "minItems":1,"uniqueItems":true}]},"const":true,"enum":{"type":"array","items":true},
            "multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},
            "minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},"maxLength":{"$ref":"#/$defs/count"},
            "minLength":{"$ref":"#/$defs/count"},"pattern":{"type":"string","format":"regex"},"maxItems":{"$ref":"#/$defs/count"},
            "minItems":{"$ref":"#/$defs/count"},"uniqueItems":{"type":"boolean"},"maxContains":{"$ref":"#/$defs/count"},
            "minContains":{"$ref":"#/$defs/count"},"maxProperties":{"$ref":"#/$defs/count"},"minProperties":{"$ref":"#/$defs/count"},
            "required":{"$ref":"#/$defs/stringArray"},
            "dependentRequired":{"type":"object","additionalProperties":{"$ref":"#/$defs/stringArray"}}},
            "$defs":{"nonNegativeInteger":{"type":"integer","minimum":0},"nonNegativeIntegerDefault0":{"$ref":"#/$defs/count"},
            "count":{"type":"integer","minimum":0},
            "simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
            "stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]}}
            """#
        ),
        (
            "meta/meta-data", [("meta-data", true)],
            #"""
            "properties":{"title":{"type":"string"},"description":{"type":"string"},"default":true,"deprecated":{"type":"boolean"},
            "readOnly":{"type":"boolean"},"writeOnly":{"type":"boolean"},"examples":{"type":"array","items":true}}
            """#
        ),
        (
            "meta/format-annotation", [("format-annotation", true)],
            #""properties":{"format":{"type":"string"}}"#
        ),
        (
            "meta/format-assertion", [("format-assertion", true)],
            #""properties":{"format":{"type":"string"}}"#
        ),
        (
            "meta/content", [("content", true)],
            #"""
            "properties":{"contentEncoding":{"type":"string"},"contentMediaType":{"type":"string"},
            "contentSchema":{"$dynamicRef":"#meta"}}
            """#
        ),
    ]
}
