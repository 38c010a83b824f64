internal import Testing

@testable internal import FileWatching

struct WatchSetTests {
    private func set(_ paths: [String], _ nodes: [String: WatchSet.Node]) -> [String: Set<String>] {
        WatchSet(paths: paths) { nodes[$0] ?? .missing }.names
    }

    @Test func `a file is watched through its directory`() {
        let nodes: [String: WatchSet.Node] = ["/app": .directory, "/app/main.lua": .file]
        #expect(set(["/app/main.lua"], nodes) == ["/app": ["main.lua"]])
        #expect(set(["/app/./x/../main.lua"], nodes.merging(["/app/x": .directory]) { $1 }) == ["/app": ["main.lua"]])
    }

    @Test func `a missing file is watched where it would come, a missing directory where that would come`() {
        let nodes: [String: WatchSet.Node] = ["/app": .directory]
        #expect(set(["/app/main.lua"], nodes) == ["/app": ["main.lua"]])
        #expect(set(["/app/lib/a.lua", "/app/main.lua"], nodes) == ["/app": ["lib", "main.lua"]])
    }

    @Test func `a link is watched where it lies and where it leads`() {
        let nodes: [String: WatchSet.Node] = [
            "/app": .directory, "/app/main.lua": .link(to: "releases/7.lua"), "/app/releases": .directory,
            "/app/releases/7.lua": .file,
        ]
        #expect(set(["/app/main.lua"], nodes) == ["/app": ["main.lua"], "/app/releases": ["7.lua"]])
    }

    @Test func `a directory that is a link is watched, too`() {
        let nodes: [String: WatchSet.Node] = [
            "/srv": .directory, "/srv/current": .link(to: "/releases/7"), "/releases": .directory,
            "/releases/7": .directory, "/releases/7/main.lua": .file,
        ]
        #expect(set(["/srv/current/main.lua"], nodes) == ["/srv": ["current"], "/releases/7": ["main.lua"]])
    }

    @Test func `a folder in the place of a file is watched where it lies`() {
        #expect(set(["/a/b"], ["/a": .directory, "/a/b": .directory]) == ["/a": ["b"]])
    }

    @Test func `links in a circle end`() {
        let nodes: [String: WatchSet.Node] = ["/a": .link(to: "/b"), "/b": .link(to: "/a")]
        #expect(set(["/a"], nodes) == ["/": ["a", "b"]])
    }

    @Test func `only the names that lead to the files matter`() {
        let set = WatchSet(paths: ["/app/main.lua"]) { $0 == "/app" ? .directory : .file }
        #expect(set.matters("main.lua", in: "/app"))
        #expect(!set.matters("runs.db-wal", in: "/app"))
        #expect(!set.matters("main.lua", in: "/other"))
    }
}
