import FlatValue
import Testing

@testable import JSONSchema

@Suite struct `The schema command` {
    private func judge(_ line: String, schema: Value? = nil) -> SchemaCommandReport.Verdict {
        var report = SchemaCommandReport()
        var line = line
        return line.withUTF8 { report.validate(line: UnsafeRawBufferPointer($0), schema: schema) }
    }

    @Test func `judges lines that bring their schema`() {
        #expect(judge(#"{"schema":{"type":"string"},"instance":"x"}"#).text(.json) == #"{"issues":[],"valid":true}"#)
        let refused = judge(#"{"schema":{"properties":{"a":{"type":"string"}}},"instance":{"a":1}}"#)
        #expect(refused.status == .invalid)
        #expect(refused.text == "/a: expected string, got number 1")
        #expect(
            refused.text(.json)
                == ##"{"issues":[{"code":"invalid_type","expected":"string","keywordLocation":"#/properties/a/type","message":"expected string, got number 1","path":"a","pointer":"/a","received":"number 1"}],"valid":false}"##
        )
    }

    @Test func `says of a validation that was stopped that nothing is known`() {
        var report = SchemaCommandReport()
        report.watch = { { false } }
        // More work than is done between two looks at the time.
        let numbers = Value(array: (0..<100_000).map { Value(Int64($0)) })
        let verdict = report.validate(schema: ["items": ["type": "string"]], instance: numbers)
        #expect(verdict.status == .badSchema && verdict.issues.isEmpty)
        #expect(verdict.text == "the validation took longer than --timeout and was stopped")
    }

    @Test func `judges many instances by one schema`() {
        #expect(judge("3", schema: ["type": "integer"]).text == "valid")
        #expect(judge("3.5", schema: ["type": "integer"]).text == "(root): expected integer, got number 3.5")
    }

    @Test func `tells bad schemas and bad text apart`() {
        #expect(judge("3", schema: ["type": 1]).status == .badSchema)
        #expect(judge(#"{"instance":1}"#).status == .badSchema)
        let bad = judge("{", schema: true)
        #expect(bad.status == .invalid)
        #expect(bad.text(.json).contains("the instance is not JSON: 1:2"))
    }

    @Test func `describes and exports a schema`() throws {
        let schema = try Schema(
            json: #"""
                {"type":"object","required":["city"],"properties":{"city":{"type":"string"},"days":{"type":"array","items":{"type":"integer"}},
                "kind":{"enum":["a","b"]},"at":{"type":"object","properties":{"x":{"type":["number","null"]}}}},"x-aikit":{"unknown":"strict"}}
                """#)
        #expect(
            schema.describe
                == #"object { city: string, days?: array of integer, kind?: "a" or "b", at?: object { x?: number or null } }"#
        )
        #expect(schema.export() == schema.document)
        #expect(schema.export(withExtensions: false)["x-aikit"] == nil)
        #expect(schema.export(withExtensions: false)["additionalProperties"] == false)
    }
}
