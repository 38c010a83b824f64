internal import CPrelude
internal import FlatValue
internal import LuaRuntime
internal import WorkflowCore
internal import WorkflowEngine

/// The texts that the script's library makes of its own documentation.
enum LibraryDocument {
    enum Kind: Sendable {
        /// Editor stubs of the whole API, for the Lua language server.
        case types
        /// Editor stubs of what test files have besides.
        case testTypes
        /// The reference of the API, in Markdown.
        case reference
        /// Stubs of the schemas of workflows, given as a list of definitions.
        case classes(Value)

        fileprivate var format: String {
            switch self {
            case .types: "types"
            case .testTypes: "test-types"
            case .reference: "reference"
            case .classes: "classes"
            }
        }
    }

    static func types() throws -> String { try text(.types) }

    static func text(_ kind: Kind) throws -> String {
        try waitFor { () -> Result<String, LuaError> in await make(kind) }.get()
    }

    /// Runs the part that writes documents in a VM of its own, on a thread with a stack for Lua.
    private static func make(_ kind: Kind) async -> Result<String, LuaError> {
        await withCheckedContinuation { continuation in
            WorkerThread.start {
                let host = DocumentHost()
                if case .classes(let definitions) = kind { host.definitions = definitions }
                do throws(LuaError) {
                    let vm = try LuaVM(host: host)
                    var chunk = """
                        local bridge = ...
                        local parts = {}
                        local function part(name)
                          if not parts[name] then
                            parts[name] = assert(load(bridge.sync("prelude", name), "=[aikit " .. name .. "]", "t", _ENV))(bridge, part)
                          end
                          return parts[name]
                        end
                        bridge.sync("document", part "document"("\(kind.format)", bridge.sync "definitions"))
                        """
                    var fault: LuaError?
                    chunk.withUTF8 { source in
                        do throws(LuaError) { try vm.loadPrelude(name: "documents", source: source) } catch {
                            fault = error
                        }
                    }
                    if let fault { throw fault }
                    continuation.resume(returning: .success(host.text))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }
}

/// Gives the parts of the library, and takes the document.
private final class DocumentHost: LuaHost {
    var text = ""
    var definitions = Value(array: [])

    func answer(op: UnsafeRawBufferPointer, payload: ValueCursor, response: inout ByteArena) -> Bool {
        let name = payload.string ?? ""
        switch String(decoding: op, as: UTF8.self) {
        case "document":
            text = name
            response.writeNull()
        case "definitions": response.write(definitions)
        case "prelude":
            guard let part = prelude_find(name, name.utf8.count) else { return false }
            response.writeString(UnsafeRawBufferPointer(start: part.pointee.source, count: part.pointee.length))
        default: return false
        }
        return true
    }

    func findModule(named name: String) -> LuaModuleLookup { .notFound(places: "") }
}
