import FlatValue
import Testing
import WorkflowCore

@Suite("What is secret in the answers of models") struct AnswerSecretsTests {
    private static let secret: Value = ["type": "string", "writeOnly": true]
    private static let answer: Value = [
        "type": "object", "required": ["name", "apiToken"],
        "properties": ["name": ["type": "string"], "apiToken": secret],
    ]

    private func found(in text: String, _ secrets: Value = ["answer": answer]) throws -> [Value] {
        try #require(AnswerSecrets(secrets)).secrets(in: ["role": "assistant", "content": Value(text)])
    }

    @Test(
        arguments: [
            #"{"name":"Bob","apiToken":"hush"}"#, #"Here: {"name":"Bob","apiToken":"hush"}."#,
            #"{"name":"Bob","api_token":"hush"}"#,
            "```json\n{\"name\":\"Bob\",\"API-Token\":\"hush\"}\n``` as you asked", #"{"apiToken":"hush"}"#,
            #"{"apiToken":"hush","name":"B"#,
        ]) func `a field of the answer is found however the model writes it`(text: String) throws
    {
        #expect(try found(in: text) == ["hush"])
    }

    @Test func `a field that comes twice is secret both times`() throws {
        #expect(try found(in: #"{"name":"Bob","apiToken":"hush","apiToken":"hist"}"#) == ["hush", "hist"])
        let tools: Value = ["tools": [["name": "pay", "schema": ["properties": ["pin": Self.secret]]]]]
        let call: Value = ["name": "pay", "arguments": #"{"pin":"4711","pin":"1174"}"#]
        let secrets = try #require(AnswerSecrets(tools)).secrets(in: ["tool_calls": [call]])
        #expect(secrets == ["4711", "1174"])
    }

    @Test func `an answer without its secrets in their places is secret as a whole`() throws {
        #expect(try found(in: "the token is hush") == ["the token is hush"])
        #expect(
            try found(in: #"{"user":{"name":"Bob","token":"hush"}}"#) == [["user": ["name": "Bob", "token": "hush"]]])
        let optional: Value = ["type": "object", "properties": ["token": Self.secret]]
        #expect(try found(in: "{}", ["answer": optional]).isEmpty)
    }

    @Test func `an answer that is no object stands under its key`() throws {
        #expect(try found(in: #"{"value":["hush"]}"#, ["answer": ["items": Self.secret], "wraps": true]) == ["hush"])
    }

    @Test func `a secret that a schema trims is known in both forms`() throws {
        #expect(try found(in: #"{"name":"Bob","apiToken":" hush\n"}"#) == [" hush\n", "hush"])
    }

    @Test func `arguments of tools are read as JSON`() throws {
        let tools: Value = [
            "tools": [["name": "pay", "schema": ["properties": ["pin": Self.secret]]]], "answer": Self.answer,
        ]
        let secrets = try #require(AnswerSecrets(tools))
        func found(_ name: String, _ arguments: Value) -> [Value] {
            secrets.secrets(in: ["content": "I pay.", "tool_calls": [["name": Value(name), "arguments": arguments]]])
        }
        #expect(found("pay", #"{"pin":"4711","to":"Bob"}"#) == ["4711"])
        #expect(found("pay", ["pin": "4711"]) == ["4711"])
        #expect(found("pay", "pin 4711") == ["pin 4711"])
        #expect(found("look", #"{"pin":"4711"}"#).isEmpty)
        // However the model writes the name, and its JSON.
        #expect(found("pay", ["PIN": "4711"]) == ["4711"])
        #expect(found("pay", Value(Value(#"{"pin":"4711"}"#).json)) == ["4711"])
    }

    @Test func `arguments without their secrets in their places are secret as a whole`() throws {
        let schema: Value = ["type": "object", "required": ["pin"], "properties": ["pin": Self.secret]]
        let secrets = try #require(AnswerSecrets(["tools": [["name": "pay", "schema": schema]]]))
        func found(_ arguments: Value) -> [Value] {
            secrets.secrets(in: ["tool_calls": [["name": "pay", "arguments": arguments]]])
        }
        #expect(found(["args": ["code": "4711"]]) == [["args": ["code": "4711"]]])
        #expect(found(["pin": "4711", "to": "Bob"]) == ["4711"])
    }

    @Test func `an answer that stands beside calls of tools is looked through`() throws {
        let secrets = try #require(AnswerSecrets(["answer": Self.answer]))
        func found(_ text: Value) -> [Value] {
            secrets.secrets(in: ["content": text, "tool_calls": [["name": "look", "arguments": "{}"]]])
        }
        #expect(found(#"{"name":"Bob","apiToken":"hush"}"#) == ["hush"])
        #expect(found("I look.").isEmpty)
    }

    @Test func `nothing secret is nothing to look for`() {
        #expect(AnswerSecrets(["answer": ["type": "object"], "tools": [["name": "a", "schema": [:]]]]) == nil)
        #expect(AnswerSecrets([:]) == nil)
    }
}
