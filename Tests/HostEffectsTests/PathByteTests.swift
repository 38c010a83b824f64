import FlatValue
import Platform
import Testing
import WorkflowCore

@testable import HostEffects

/// Paths, names and addresses are bytes to the kernel and to servers, whatever letters they make together.
@Suite struct PathByteTests {
    private let root: TemporaryFolder

    init() throws {
        root = try TemporaryFolder()
        for name in ["in", "out"] { mkdir(root.path + "/" + name, 0o755) }
    }

    private func ask(_ name: String, _ path: String, in allowed: String, data: String = "x") -> Value {
        var permissions = Permissions()
        permissions.read = .only([root.path + "/" + allowed])
        permissions.write = permissions.read
        do throws(HostFailure) {
            let payload: Value = ["path": Value(root.path + "/" + path), "data": Value(data), "recursive": true]
            return try FileOperations(permissions).perform("fs." + name, payload) ?? "no operation"
        } catch {
            return Value(error.code)
        }
    }

    /// Marks that are one `Character` with the slash, or the equals sign, before them.
    static let marks = ["\u{301}", "\u{200D}", "\u{FE0F}", "\u{20E3}"]

    @Test(arguments: marks) func `a mark behind a slash leads nowhere else`(mark: String) {
        symlink("../out", root.path + "/in/link")
        mkdir(root.path + "/out/\(mark)folder", 0o755)
        root.write("kept", to: "out/\(mark)folder/file")
        root.write("kept", to: "\(mark)side")
        for path in ["in/../\(mark)w", "in/../\(mark)side", "in/link/\(mark)folder", "in/link/\(mark)folder/file"] {
            for operation in ["write", "append", "mkdir", "remove", "read", "stat", "list"] {
                #expect(ask(operation, path, in: "in") == "permission_denied", "\(operation) \(path)")
            }
        }
        #expect(root.read("out/\(mark)folder/file") == "kept")
        #expect(root.read("\(mark)side") == "kept")
        #expect(root.read("\(mark)w") == nil)
        let permissions = Permissions(write: .only([root.path + "/in"]))
        #expect(throws: HostFailure.self) {
            try FileOperations(permissions).perform(
                "fs.temp", ["path": Value(root.path + "/in"), "prefix": Value("../\(mark)t")])
        }
        // Within what is allowed it is a name like any other.
        #expect(ask("write", "in/\(mark)own", in: "in", data: "mine").isNull)
        #expect(root.read("in/\(mark)own") == "mine")
    }

    @Test(arguments: ["dé", "de\u{301}", "数据", "a\u{600}", "👩‍👧"])
    func `a folder is named in any letters`(folder: String) {
        mkdir(root.path + "/" + folder, 0o755)
        #expect(ask("write", folder + "/abc", in: folder, data: "abc").isNull)
        #expect(ask("write", folder + "/bc", in: folder, data: "bc").isNull)
        #expect(ask("read", folder + "/abc", in: folder) == "abc")
        #expect(ask("mkdir", folder + "/xnotes", in: folder).isNull)
        #expect(ask("write", folder + "/notes", in: folder, data: "kept").isNull)
        #expect(ask("remove", folder + "/xnotes", in: folder).isNull)
        #expect(root.read(folder + "/notes") == "kept")
    }

    @Test func `a folder that spells its letters in another way is another one`() {
        for name in ["é", "e\u{301}"] { mkdir(root.path + "/" + name, 0o755) }
        #expect(ask("write", "e\u{301}/a", in: "é") == "permission_denied")
        #expect(ask("write", "é/a", in: "é").isNull)
        #expect(root.read("e\u{301}/a") == nil)
        #expect(!Permissions(env: .only(["é*"])).allowsEnv("e\u{301}x"))
        #expect(Permissions(env: .only(["é*"])).allowsEnv("éx"))
    }

    @Test func `a name with commas is one name in grants, options and printed commands`() {
        let permissions = Permissions(read: .only(["/c,*,d/data"]), run: .only(["/x/a,b"]))
        #expect(Permissions(grant: permissions.grant) == permissions)
        #expect(permissions.arguments == #" '--allow-read=/c\,*\,d/data' '--allow-run=/x/a\,b'"#)
        #expect(Permissions.Scope.names(in: #"a\,b,c,,\,,d\e"#) == ["a,b", "c", ",", #"d\e"#])
        #expect(Permissions.Scope([#"/c\,*\,d/data"#]) == .only(["/c,*,d/data"]))
        #expect(Permissions(read: .only(["/a"])).narrowed(by: ["read": ["/b,*"]]).read == .nothing)
        #expect(Permissions(read: .only(["/it'\u{301}s"])).arguments == " '--allow-read=/it'\\''\u{301}s'")
    }

    @Test func `permissions that spell a name in another way are others`() {
        let (composed, apart) = (Permissions(read: .only(["/é"])), Permissions(read: .only(["/e\u{301}"])))
        #expect(composed != apart)
        #expect(!composed.covers(apart))
        #expect(composed.union(apart).read == .only(["/é", "/e\u{301}"]))
        #expect(composed.narrowed(by: ["read": ["/e\u{301}"]]).read == .nothing)
    }

    @Test func `a program and a file that spell their names in another way are others`() throws {
        for name in ["é", "e\u{301}"] { root.write("#!/bin/sh\n", to: "in/" + name, mode: 0o755) }
        let base = root.path + "/in/"
        func run(_ name: String) throws -> ExecCall {
            try ExecCall(
                ["argv": [Value(base + name)]], Permissions(run: .only([base + "é"])),
                Secrets())
        }
        #expect(try run("é").path.isSpelled(like: base + "é"))
        #expect(throws: HostFailure.self) { try run("e\u{301}") }
        let permissions = Permissions(read: .only([root.path + "/in"]))
        let found = try FileOperations(permissions).perform("fs.glob", ["pattern": Value(base + "*")])
        #expect(found?.array?.count == 2)
    }

    @Test(arguments: marks) func `an address with a mark behind a sign of its syntax has the host that is called`(
        mark: String
    ) {
        for text in ["http://allowed.example@\(mark)evil.example/", "http://evil.example/\(mark)x@allowed.example"] {
            guard let address = try? WebAddress(text) else { continue }
            #expect(address.host != "allowed.example")
        }
        #expect(
            !"http://me:word@\(mark)host/".withoutSecretsOfURL.unicodeScalars.map(String.init).joined().contains("word")
        )
        #expect(!"http://host/?\(mark)token=word".withoutSecretsOfURL.contains("word"))
    }

    @Test(arguments: ["%00", "%2f", "%23", "%40", "%09", "%20", "%0a", "%3a80", "%E3%80%82", "%c2%ad"])
    func `a host is read as whoever looks it up reads it`(escape: String) {
        for text in ["http://203.0.113.1\(escape).example.com:9/", "http://a\(escape).example.com", "http://\(escape)"]
        {
            #expect(throws: HostFailure.self, "\(text)") { try WebAddress(text) }
        }
    }

    @Test(arguments: [
        ("http://A.Example:80/", "a.example"), ("http://[::1]/", "::1"),
        ("https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("http://a_b.example", "a_b.example"), ("http://127.0.0.1", "127.0.0.1"),
    ])
    func `a host is one of letters, digits and signs`(text: String, host: String) throws {
        #expect(try WebAddress(text).host == host)
    }

    @Test func `a search goes to each folder once, and ends when it is given up`() async throws {
        var path = root.path + "/in"
        for _ in 0..<40 {
            path += "/d"
            mkdir(path, 0o755)
        }
        let permissions = Permissions(read: .only([root.path + "/in"]))
        let base = root.path + "/in/"
        func search(_ pattern: String) throws -> Value? {
            try FileOperations(permissions).perform("fs.glob", ["pattern": Value(base + pattern)])
        }
        #expect(try search(String(repeating: "**/", count: 20) + "x") == .emptyArray)
        #expect(try search(String(repeating: "**/d*/", count: 12) + "**")?.array?.count == 28)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try search("**/d")
        }
        task.cancel()
        await #expect(throws: HostFailure.self) { try await task.value }
    }
}
