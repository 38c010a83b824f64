internal import Testing

@testable internal import LuaWorkflows

/// Files by path, as the decision looks at them.
private struct Disk {
    var files: [String: String] = [:]

    func look(_ entry: ScriptFootprint.Entry) -> ScriptFootprint.Entry {
        let path = entry.module.isEmpty ? entry.path : entry.module + ".lua"
        let state = files[path].map { ScriptFootprint.Entry.State.content(hash: $0) } ?? .absent(.missing)
        return ScriptFootprint.Entry(module: entry.module, path: path, state: state)
    }

    /// What loading a script that requires these modules looks for.
    func footprint(_ modules: String...) -> ScriptFootprint {
        let names = [""] + modules
        return ScriptFootprint(
            entries: names.map { look(ScriptFootprint.Entry(module: $0, path: "main.lua", state: .absent(.missing))) })
    }
}

struct ReloadStateTests {
    @Test func `what has never been loaded is loaded`() {
        #expect(ReloadState().decide(Disk().look) == .load)
    }

    @Test func `a touch that changes no content leads to nothing`() {
        let disk = Disk(files: ["main.lua": "1", "lib.lua": "1"])
        var state = ReloadState()
        state.took(disk.footprint("lib"))
        #expect(state.decide(disk.look) == .nothing)
    }

    @Test func `a change of the script or of a module leads to a load`() {
        let disk = Disk(files: ["main.lua": "1", "lib.lua": "1"])
        var state = ReloadState()
        state.took(disk.footprint("lib"))
        #expect(state.decide(Disk(files: ["main.lua": "2", "lib.lua": "1"]).look) == .load)
        #expect(state.decide(Disk(files: ["main.lua": "1", "lib.lua": "2"]).look) == .load)
        #expect(state.decide(Disk(files: ["main.lua": "1"]).look) == .load)
    }

    @Test func `what has failed is tried again only when something changes`() {
        var state = ReloadState()
        state.took(Disk(files: ["main.lua": "1"]).footprint())
        let broken = Disk(files: ["main.lua": "broken"])
        state.refused(broken.footprint("missing"))
        #expect(state.decide(broken.look) == .nothing)
        #expect(state.decide(Disk(files: ["main.lua": "2"]).look) == .load)
        // The module that it lacked has come.
        #expect(state.decide(Disk(files: ["main.lua": "broken", "missing.lua": "1"]).look) == .load)
    }

    @Test func `undoing a bad save brings the live generation back without a load`() {
        let good = Disk(files: ["main.lua": "1", "lib.lua": "1"])
        var state = ReloadState()
        state.took(good.footprint("lib"))
        state.refused(Disk(files: ["main.lua": "broken", "lib.lua": "1"]).footprint())
        #expect(state.decide(good.look) == .restore)
        state.restored()
        #expect(state.decide(good.look) == .nothing)
    }

    @Test func `a script that has gone is told once, and loaded when it is back with other contents`() {
        let good = Disk(files: ["main.lua": "1"])
        var state = ReloadState()
        state.took(good.footprint())
        #expect(state.decide(Disk().look) == .missing)
        state.refused(Disk().footprint())
        #expect(state.decide(Disk().look) == .nothing)
        #expect(state.decide(good.look) == .restore)
        #expect(state.decide(Disk(files: ["main.lua": "2"]).look) == .load)
    }

    @Test func `all places are watched that may change what is found`() {
        let entries = [
            ScriptFootprint.Entry(module: "", path: "app/main.lua", state: .content(hash: "1")),
            ScriptFootprint.Entry(module: "lib.a", path: "app/lib/a/init.lua", state: .content(hash: "1")),
            ScriptFootprint.Entry(module: "b", path: "app/b.lua", state: .absent(.missing)),
        ]
        #expect(
            ScriptFootprint(entries: entries).paths == [
                "app/main.lua", "app/lib/a.lua", "app/lib/a/init.lua",
                "app/b.lua", "app/b/init.lua", "app/lua_modules/b.lua", "app/lua_modules/b/init.lua",
            ])
    }
}
