import FlatValue
import Foundation
import JSONSchema
import Testing
import WorkflowCore

extension CommandLine {
    struct SchemaExportTests {
        private static let script = """
            local aikit = require "aikit"
            local s = aikit.schema
            local price = aikit.step {
              id = "price", input_schema = s.object { sku = s.string():min(1) }, output_schema = s.number(),
              handler = function() return 1 end,
            }
            return aikit.workflow { id = "shop", input_schema = s.object { rows = s.array(s.object { sku = s.string() }) } }
              :foreach { id = "each", items = function(input) return input.rows end, step = price }
              :human { id = "approve", response_schema = s.object { ok = s.boolean() }:strict() }
              :commit()
            """

        @Test func `the schemas of a script are exported as JSON Schema`() throws {
            let program = try Program(["shop.lua": Self.script])
            defer { program.remove() }
            let outcome = try program.run("schema", "export", "shop.lua")
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
            let shop = try #require(try Value(json: outcome.output)["workflows"]?["shop"])
            #expect(shop["input"]?["$schema"]?.string == "https://json-schema.org/draft/2020-12/schema")
            #expect(shop["input"]?["required"] == ["rows"])
            let price = try #require(shop["steps"]?["each/price"])
            #expect(price["input"]?["properties"]?["sku"] == ["type": "string", "minLength": 1])
            #expect(price["output"]?["type"] == "number")
            let response = try #require(shop["steps"]?["approve"]?["response"])
            #expect(response["additionalProperties"] == false)
            #expect(!outcome.output.contains("x-aikit"))
        }

        @Test func `one step's schemas validate what the engine would`() throws {
            let program = try Program(["shop.lua": Self.script])
            defer { program.remove() }
            let outcome = try program.run("schema", "export", "shop.lua", "--step", "price", "--extensions")
            let schema = try #require(try Value(json: outcome.output)["input"])
            try program.write(schema.json, to: "price.json")
            #expect(try program.run("schema", "validate", "price.json", input: #"{"sku":"a"}"#).status == 0)
            let refused = try program.run("schema", "validate", "price.json", input: #"{"sku":""}"#)
            #expect(refused.status == 1 && refused.output.contains("/sku"))
        }

        @Test func `schema validate stops when its time is over`() throws {
            let program = try Program([:])
            defer { program.remove() }
            let objects = (0..<3000).map { #"{"n":\#($0)}"# }.joined(separator: ",")
            try program.write(#"{"items":{"enum":[\#(objects)]}}"#, to: "many.json")
            let others = (3000..<6000).map { #"{"n":\#($0)}"# }.joined(separator: ",")
            let outcome = try program.run("schema", "validate", "many.json", "--timeout", "1ms", input: "[\(others)]")
            #expect(outcome.status == 2)
            #expect(outcome.output == "the validation took longer than --timeout and was stopped\n")
        }

        @Test func `a step that is not there is named, with the nearest that is`() throws {
            let program = try Program(["shop.lua": Self.script])
            defer { program.remove() }
            let outcome = try program.run("schema", "export", "shop.lua", "--step", "aprove")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("has no step 'aprove'; did you mean 'approve'?"))
        }
    }

    struct TypesTests {
        private static let script = """
            local aikit = require "aikit"
            local s = aikit.schema
            return aikit.workflow { id = "weather" }
              :step { id = "fetch-weather", input_schema = s.object { city = s.string() }, handler = function(w) return w end }
              :commit()
            """

        @Test func `types writes stubs of the library and of the scripts' schemas, and settings once`() throws {
            let program = try Program(["weather.lua": Self.script])
            defer { program.remove() }
            let first = try program.run("types", "--luarc", "weather.lua")
            #expect(first.status == 0)
            #expect(
                first.errors == """
                      wrote .aikit/types/aikit.lua
                      wrote .aikit/types/aikit-test.lua
                      wrote .aikit/types/project.lua
                      wrote .luarc.json

                    """)
            let project = try String(
                contentsOf: program.folder.appendingPathComponent(".aikit/types/project.lua"), encoding: .utf8)
            #expect(project.contains("---@class Weather.FetchWeather.Input\n---@field city string\n"))
            let settings = try String(contentsOf: program.folder.appendingPathComponent(".luarc.json"), encoding: .utf8)
            #expect(try Value(json: settings)["workspace.library"] == [".aikit/types"])
            let second = try program.run("types", "--luarc", "weather.lua")
            #expect(second.status == 0 && second.errors.contains(".luarc.json names the folder already"))
        }

        @Test func `types prints the stubs where no folder is named`() throws {
            let program = try Program(["weather.lua": Self.script])
            defer { program.remove() }
            let library = try program.run("types")
            #expect(library.status == 0 && library.output.hasPrefix("---@meta aikit\n"))
            let both = try program.run("types", "weather.lua")
            #expect(
                both.output.hasPrefix(library.output) && both.output.contains("---@class Weather.FetchWeather.Input"))
            #expect(try program.run("types", "--reference").output.hasPrefix("# Reference of the Lua API\n"))
        }
    }
}
