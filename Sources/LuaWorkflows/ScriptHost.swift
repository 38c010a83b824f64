internal import CPrelude
internal import FlatValue
internal import JSONSchema
internal import LuaAnalysis
internal import LuaRuntime
internal import WorkflowCore
internal import WorkflowEngine

/// What one VM asks of the host without waiting: modules, definitions, time, text.
///
/// It belongs to the VM's thread. While a script is loaded it collects the plans of the workflows that are committed and the
/// files that are required.
final class ScriptHost: LuaHost {
    /// The definitions of committed workflows as canonical text, to compare what two VMs loaded.
    private(set) var definitions: [String] = []
    private(set) var plans: [Plan] = []
    private(set) var warnings: [DefinitionIssue] = []
    private(set) var findings: [DefinitionIssue] = []
    /// What `aikit.requires` was told, each an object of permissions.
    private(set) var requirements: [Value] = []
    private(set) var files: [ScriptBundle.File] = []
    /// What callbacks are made of: places in the files, and values.
    private(set) var codes: [Value] = []
    /// Every module that was looked for on the disk, found or not.
    private(set) var lookups: [ScriptFootprint.Entry] = []
    /// What was looked for in vain while the script was loaded, by name.
    private var absent: [String: LuaModuleLookup] = [:]
    /// Whether the code is complete: no module is looked for any more.
    private var isSealed = false
    private let script: ScriptBundle.File
    /// What the files say, by path.
    private var units: [String: LuaUnit] = [:]
    /// The lines of the nodes of the definition that is being read, by their ids.
    private var located: [String: Set<Int>] = [:]
    private let pinned: ScriptBundle?
    /// Whether definitions are checked further than what their plans need.
    private let checks: Bool
    private let folders: [String]
    private let environment: ScriptEnvironment
    /// By number from 1; nil where one was released, whose number is in `freeSchemas`.
    private var schemas: [Schema?] = []
    private var freeSchemas: [Int] = []
    /// Whether work on behalf of the script may go on; set once there is a VM.
    var mayContinue: () -> Bool = { true }
    /// The run and the frame whose code is under way; nil while the script is loaded.
    var place: () -> (run: Unmanaged<Run>, frame: Int32)? = { nil }
    /// The problems of the definition that was refused last.
    private(set) var refused: [DefinitionIssue] = []

    /// - Parameters:
    ///   - folders: where modules are looked for, the best place first, each with a slash at its end or empty; beside the
    ///     script unless given.
    ///   - pinned: the files to take instead of those on the disk.
    ///   - checks: whether definitions are checked further than what their plans need.
    init(
        script: ScriptBundle.File, folders: [String]? = nil, pinned: ScriptBundle?, checks: Bool = true,
        environment: ScriptEnvironment
    ) {
        self.script = script
        self.folders = folders ?? [ScriptFiles.directory(of: script.path)]
        self.pinned = pinned
        self.checks = checks
        self.environment = environment
    }

    var isPinned: Bool { pinned != nil }
    var clock: any EngineClock { environment.clock }

    func answer(op: UnsafeRawBufferPointer, payload: ValueCursor, response: inout ByteArena) -> Bool {
        switch String(decoding: op, as: UTF8.self) {
        case "commit": return commit(payload, &response)
        case "requires":
            requirements.append(Value(payload))
            response.writeNull()
        case "code": response.write(keep(payload))
        case "prelude": return prelude(payload, &response)
        case "log": log(payload, &response)
        case "print":
            // As what is logged, without what schemas call secret.
            let record = record(.info, payload.string ?? Value(payload).json)
            if let printed = environment.options.printed {
                printed(record)
            } else {
                environment.print(record.message)
            }
            response.writeNull()
        case "version": response.write(engineVersion)
        case "json.encode": response.write(Value(payload).json)
        case "json.encode_pretty": response.write(Value(payload).prettyJSON)
        case "json.decode": return decodeJSON(payload, &response)
        case "time.offset": response.write(LibraryFunctions.offset(payload, environment.options.services))
        case "schema_compile": return compileSchema(payload, &response)
        case "schema_validate": return validateSchema(payload, &response)
        case "schema_release":
            for handle in payload.items { release(handle.int) }
            response.writeNull()
        case let name:
            switch ByteOperation(payload.stringBytes, mayContinue: mayContinue).perform(name, into: &response) {
            case .done: break
            case .unknown: return fail("unknown_operation", "the host has no function '\(name)'", &response)
            case .stopped: return fail("cancelled", "'\(name)' was stopped", &response)
            }
        }
        return true
    }

    private func fail(_ code: String, _ message: String, details: Value? = nil, _ response: inout ByteArena) -> Bool {
        _ = ErrorObject(code: code, message: message, details: details).write(into: &response)
        return false
    }

    // MARK: Loading

    private func commit(_ payload: ValueCursor, _ response: inout ByteArena) -> Bool {
        let definition = Value(payload)
        located = [:]
        do throws(DefinitionError) {
            if checks {
                let checked = try CheckedPlan(definition, shapes: shapes(), locator: locate)
                // Where the system is asked elsewhere, so are its time zones, once the script is loaded.
                let unknownZones = environment.options.services == nil ? checked.plan.issuesOfTimeZones : []
                if !unknownZones.isEmpty { throw DefinitionError(issues: unknownZones) }
                plans.append(checked.plan)
                Self.add(checked.warnings.map(placed), to: &warnings)
                Self.add(checked.findings.map(placed), to: &findings)
            } else {
                // It was checked when it was first loaded; whatever is thought of it by now, its runs go on.
                plans.append(try DefinitionReader.plan(from: definition, locator: locate))
            }
        } catch {
            refused = error.issues.map(placed)
            return fail(
                "invalid_definition", error.description,
                details: ["issues": Value(array: refused.map(\.value))], &response)
        }
        definitions.append(definition.json)
        response.write(Int64(plans.count))
        return true
    }

    /// Adds what is new: a workflow that stands in another one is checked in each of them.
    private static func add(_ issues: [DefinitionIssue], to list: inout [DefinitionIssue]) {
        func key(_ issue: DefinitionIssue) -> [String] { [issue.location ?? "", issue.message] }
        var known = Set(list.map(key))
        for issue in issues where known.insert(key(issue)).inserted { list.append(issue) }
    }

    /// Keeps what callbacks are made of, and gives the number that the definition names it by: two loads of a script
    /// must give the same definition, whatever values its functions hold at that moment.
    private func keep(_ code: ValueCursor) -> Int64 {
        codes.append(Value(code))
        return Int64(codes.count)
    }

    private func prelude(_ payload: ValueCursor, _ response: inout ByteArena) -> Bool {
        let name = payload.string ?? ""
        guard let part = prelude_find(name, name.utf8.count) else {
            return fail("unknown_part", "the library has no part '\(name)'", &response)
        }
        response.writeString(UnsafeRawBufferPointer(start: part.pointee.source, count: part.pointee.length))
        return true
    }

    /// Once the script is loaded, or where it is pinned, only the modules of its generation are found: a run goes on in other
    /// processes, which have no others.
    func findModule(named name: String) -> LuaModuleLookup {
        let known = pinned?.files.dropFirst() ?? files[...]
        if let file = known.first(where: { $0.module == name }) {
            return .found(source: file.source, chunkName: "@" + file.path)
        }
        if let result = absent[name] { return result }
        if isSealed || isPinned {
            return .notFound(
                places: "it is not in the code that the run began with; require it at the top level of the script, "
                    + "or by a name that stands in the call")
        }
        let result = lookUp(name)
        if case .found = result { return result }
        if !environment.options.findsModulesLater { absent[name] = result }
        return result
    }

    private func lookUp(_ name: String) -> LuaModuleLookup {
        let finding: ModuleFinding
        if let services = environment.options.services {
            finding = services.find(module: name)
        } else {
            let (found, disk) = ScriptFiles.search(module: name, in: folders)
            if let found { lookups.append(ScriptFootprint.Entry(found)) }
            finding = disk
        }
        switch finding {
        case .found(let path, let source):
            files.append(ScriptBundle.File(module: name, path: path, source: source))
            return .found(source: source, chunkName: "@" + path)
        case .missing(let places): return .notFound(places: places)
        case .failed(let message): return .failed(message: message)
        }
    }

    // MARK: What the source shows

    private func unit(of file: ScriptBundle.File) -> LuaUnit {
        if let unit = units[file.path] { return unit }
        let unit = LuaParser.unit(of: file.source) ?? LuaUnit()
        units[file.path] = unit
        return unit
    }

    /// Where the table of a node stands in the source.
    private func locate(_ id: String, _ location: String) -> String {
        guard let place = ScriptError.place(location),
            let file = ([script] + files).first(where: { $0.path == place.file }),
            let line = unit(of: file).line(ofID: id, near: place.line, taken: located[id, default: []])
        else { return location }
        located[id, default: []].insert(line)
        return "\(place.file):\(line)"
    }

    /// The issue at the line of its key, where it is known only which node has the key.
    private func placed(_ issue: DefinitionIssue) -> DefinitionIssue {
        guard let place = issue.location.flatMap(ScriptError.place),
            let file = ([script] + files).first(where: { $0.path == place.file }),
            let line = unit(of: file).line(ofKeyAt: issue.path, idLine: place.line)
        else { return issue }
        var issue = issue
        issue.location = "\(place.file):\(line)"
        return issue
    }

    private func shapes() -> CallbackShapes {
        var shapes = CallbackShapes()
        for file in [script] + files { unit(of: file).addShapes(to: &shapes) }
        return shapes
    }

    /// The libraries that `require` gives as stock Lua does.
    private static let libraries: Set = ["string", "table", "math", "utf8", "os", "coroutine"]

    /// Completes the code of a script whose top level has run: looks for modules that handlers require later, which belong to the
    /// generation too, and for names that nothing has. No other module is found afterwards.
    func complete() {
        defer { isSealed = true }
        let required = Set(files.map(\.module))
        var named: Set<String> = []
        var computed: [DefinitionIssue] = []
        var next = -1
        while next < files.count {
            let file = next < 0 ? script : files[next]
            next += 1
            let unit = unit(of: file)
            var missing: [DefinitionIssue] = []
            computed += unit.computedModules.map {
                $0.issue(
                    "computed_module",
                    "`require` of a computed name finds nothing in a run: require the module at the top level, "
                        + "or by a name that stands in the call", in: file.path, .warning)
            }
            named.formUnion(unit.modules.map(\.name))
            for mention in unit.modules where mention.name != "aikit" && !Self.libraries.contains(mention.name) {
                let problem: String
                switch findModule(named: mention.name) {
                case .found: continue
                case .notFound(let places): problem = "not found: \(places)"
                case .failed(let message): problem = message
                }
                if mention.isGuarded { continue }
                missing.append(
                    mention.issue("module_not_found", "module '\(mention.shownName)' \(problem)", in: file.path))
            }
            Self.add(LuaUnit.shortened(missing, of: missing.count, "more modules that are not there"), to: &findings)
            Self.add(unit.undefinedGlobals(in: file.path), to: &findings)
        }
        // Handlers may take a module by any name that the top level has required.
        if required.isSubset(of: named) {
            Self.add(LuaUnit.shortened(computed, of: computed.count, "more computed names of modules"), to: &findings)
        }
        let places = findings.map { $0.location.flatMap(ScriptError.place) ?? ("", 0) }
        let order = findings.indices.sorted { places[$0] == places[$1] ? $0 < $1 : places[$0] < places[$1] }
        findings = order.map { findings[$0] }
    }

    // MARK: Text

    private func log(_ payload: ValueCursor, _ response: inout ByteArena) {
        environment.log(
            record(
                LogRecord.Level(rawValue: payload["level"]?.string ?? "") ?? .info, payload["message"]?.string ?? "",
                fields: payload["fields"].map { Value($0) }, beside: payload["where"]?.string ?? ""))
        response.writeNull()
    }

    /// What the code says that is under way.
    ///
    /// - Parameter place: where it stands, if it is no code of a run.
    private func record(
        _ level: LogRecord.Level, _ message: String, fields: Value? = nil, beside place: String = ""
    ) -> LogRecord {
        let now = environment.clock.now()
        guard let (run, frame) = self.place() else {
            return LogRecord(
                time: now, level: level, message: message, fields: fields, workflow: "", run: "", path: place)
        }
        return run._withUnsafeGuaranteedRef {
            LogRecord(of: $0, frame: frame, time: now, level: level, message: message, fields: fields)
        }
    }

    private func decodeJSON(_ payload: ValueCursor, _ response: inout ByteArena) -> Bool {
        do throws(JSONError) {
            response.write(try Value(json: payload.string ?? ""))
            return true
        } catch {
            return fail("invalid_json", "invalid JSON: \(error.description)", &response)
        }
    }

    // MARK: Schemas that scripts use by themselves

    private func compileSchema(_ payload: ValueCursor, _ response: inout ByteArena) -> Bool {
        var options = Schema.Options()
        options.keepsKeyOrder = false
        do throws(SchemaError) {
            let schema = try Schema(Value(payload), options: options)
            if let free = freeSchemas.popLast() {
                schemas[free] = schema
                response.write(Int64(free + 1))
            } else {
                schemas.append(schema)
                response.write(Int64(schemas.count))
            }
            return true
        } catch {
            return fail("invalid_schema", error.description, &response)
        }
    }

    /// Forgets a schema that the script has no more.
    private func release(_ handle: Int64?) {
        guard let handle, handle > 0, handle <= schemas.count, schemas[Int(handle) - 1] != nil else { return }
        schemas[Int(handle) - 1] = nil
        freeSchemas.append(Int(handle) - 1)
    }

    private func validateSchema(_ payload: ValueCursor, _ response: inout ByteArena) -> Bool {
        guard let answer = validate(payload, functions: PassedFunctions(goesOn: mayContinue)) else {
            return fail("invalid_schema", "no such schema", &response)
        }
        response.write(answer)
        return true
    }

    /// The verdict of a compiled schema on a value: `{ value }`, or `{ issues, message }`.
    func validate(_ payload: ValueCursor, functions: (any SchemaFunctions)?) -> Value? {
        guard let handle = payload["schema"]?.int, handle > 0, handle <= schemas.count,
            let schema = schemas[Int(handle) - 1]
        else { return nil }
        let value = payload["value"].map { Value($0) } ?? .null
        switch schema.validate(value, functions: functions) {
        case .valid(let value): return ["value": value]
        case .invalid(let issues):
            return [
                "issues": Value(array: issues.map(\.value)), "message": Value(SchemaIssue.summary(issues)),
            ]
        case .stopped: return ["issues": [], "message": "the validation took too long and was stopped"]
        }
    }

    /// Answers what a suspended call asks of the host and needs the script's own functions for.
    func serve(_ request: CallRequest, functions: any SchemaFunctions) -> HostAnswer? {
        guard request.operation == "schema_validate" else { return nil }
        let answer = request.payload.withCursor { validate($0, functions: functions) }
        return answer.map(HostAnswer.success) ?? .failure(code: "invalid_schema", message: "no such schema")
    }
}
