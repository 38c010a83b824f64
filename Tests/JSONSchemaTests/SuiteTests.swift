import FlatValue
import Foundation
import Testing

@testable import JSONSchema

/// The public test suite of draft 2020-12, read from `../shared/json-schema-suite` beside the repository or from the folder
/// that `AIKIT_JSON_SCHEMA_SUITE` names.
@Suite struct `The JSON Schema test suite` {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let folder: URL? = {
        let given = ProcessInfo.processInfo.environment["AIKIT_JSON_SCHEMA_SUITE"].map { URL(filePath: $0) }
        let beside = repository.deletingLastPathComponent().appending(path: "shared/json-schema-suite")
        return [given, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    /// Groups of our own, in the suite's form, for what its files leave out.
    static let own = repository.appending(path: "Tests/Fixtures/schema/vocabularies.json")

    static let files: [URL] = {
        guard let folder else { return [own] }
        let all = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return [own] + all.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
    }()

    /// The documents that the suite expects to find under other URIs.
    static let registry: SchemaRegistry = {
        var registry = SchemaRegistry()
        let remotes = repository.appending(path: "Tests/Fixtures/schema/remotes")
        for file in (try? FileManager.default.contentsOfDirectory(at: remotes, includingPropertiesForKeys: nil)) ?? [] {
            if let text = try? String(contentsOf: file, encoding: .utf8), let document = try? Value(json: text) {
                registry.register(document)
            }
        }
        return registry
    }()

    @Test(arguments: files)
    func `every verdict is the expected one`(file: URL) throws {
        let groups = try #require(try Value(json: String(contentsOf: file, encoding: .utf8)).array)
        for group in groups {
            let name = "\(file.lastPathComponent): \(group["description"]?.string ?? "?")"
            let schema: Schema
            do {
                schema = try Schema(try #require(group["schema"]), options: .init(registry: Self.registry))
            } catch {
                Issue.record("\(name): \(error)")
                continue
            }
            for test in group["tests"]?.array ?? [] {
                let instance = try #require(test["data"])
                let expected = test["valid"]?.bool
                let description = "\(name): \(test["description"]?.string ?? "?")"
                switch schema.validate(instance) {
                case .valid: #expect(expected == true, "\(description): was taken")
                case .invalid(let issues):
                    #expect(expected == false, "\(description): \(SchemaIssue.summary(issues))")
                    #expect(!issues.isEmpty, "\(description): refused without an issue")
                case .stopped: Issue.record("\(description): was stopped")
                }
                switch instance.withCursor(schema.program.check) {
                case .valid: #expect(expected == true, "\(description): the fast check took it")
                case .invalid: #expect(expected == false, "\(description): the fast check refused it")
                case .unsure: break
                }
            }
        }
    }
}
