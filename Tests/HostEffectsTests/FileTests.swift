import CHostSystem
import FlatValue
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

/// The folders of a test: one that is granted, `in`, and one beside it, `out`, with a file each.
private struct Yard {
    let root: TemporaryFolder
    let operations: FileOperations

    init(_ change: (inout Permissions, String) -> Void = { _, _ in }) throws {
        root = try TemporaryFolder()
        for name in ["in", "out", "in/sub"] { mkdir(root.path + "/" + name, 0o755) }
        root.write("inside", to: "in/a.txt")
        root.write("outside", to: "out/b.txt")
        var permissions = Permissions()
        permissions.read = .only([root.path + "/in"])
        permissions.write = .only([root.path + "/in"])
        change(&permissions, root.path)
        operations = FileOperations(permissions)
    }

    func path(_ name: String) -> String { root.path + "/" + name }

    func link(_ name: String, to target: String) { symlink(target, path(name)) }

    /// What an operation came to: its value, or the code of its error.
    func ask(_ name: String, _ path: String, _ rest: (String, Value)...) -> Value {
        let payload = Value(entries: [("path", Value(self.path(path)))] + rest)
        do throws(HostFailure) {
            return try operations.perform("fs." + name, payload) ?? "no operation"
        } catch {
            return Value(error.code)
        }
    }
}

@Suite(.serialized) struct FileTests {
    @Test func `nothing is read or written unless it is allowed, and the error names the flag`() throws {
        let yard = try Yard { permissions, _ in permissions = Permissions() }
        let failure = #expect(throws: HostFailure.self) {
            try yard.operations.perform("fs.read", ["path": Value(yard.path("in/a.txt"))])
        }
        #expect(failure?.details == ["flag": Value("--allow-read=" + yard.path("in/a.txt"))])
        for name in ["read", "list", "stat", "write", "append", "remove", "mkdir"] {
            #expect(yard.ask(name, "in/a.txt", ("data", "x")) == "permission_denied", "\(name)")
        }
        #expect(throws: HostFailure.self) { try yard.operations.perform("fs.glob", ["pattern": Value(yard.path("*"))]) }
    }

    @Test func `files are read, written, listed and removed below what is allowed`() throws {
        let yard = try Yard()
        #expect(yard.ask("read", "in/a.txt") == "inside")
        #expect(yard.ask("write", "in/new.txt", ("data", "made")).isNull)
        #expect(yard.ask("append", "in/new.txt", ("data", " more")).isNull)
        #expect(yard.root.read("in/new.txt") == "made more")
        #expect(yard.ask("list", "in").array?.compactMap { $0["name"]?.string } == ["a.txt", "new.txt", "sub"])
        #expect(yard.ask("stat", "in/new.txt")["size"] == 9)
        #expect(yard.ask("stat", "in/none").isNull)
        #expect(yard.ask("mkdir", "in/x/y/z").isNull)
        #expect(yard.ask("mkdir", "in/x/y/z").isNull)
        #expect(yard.ask("write", "in/x/y/z/f", ("data", "1")).isNull)
        #expect(yard.ask("remove", "in/x") == "file_exists")
        #expect(yard.ask("remove", "in/x", ("recursive", true)).isNull)
        #expect(yard.ask("stat", "in/x").isNull)
        let temporary = yard.ask("temp", "in", ("prefix", "t-")).string ?? ""
        #expect(temporary.hasPrefix(yard.path("in/t-")))
        #expect(yard.ask("list", "in").array?.allSatisfy { $0["name"]?.string?.hasPrefix(".aikit") == false } == true)
    }

    @Test func `a path that names a folder is none of a file`() throws {
        let yard = try Yard()
        yard.link("in/also", to: yard.path("in/a.txt"))
        for name in ["in/a.txt/", "in/a.txt/.", "in/a.txt//", "in/a.txt/b/..", "in/also/"] {
            for operation in ["read", "stat", "list", "append", "write", "remove"] {
                #expect(yard.ask(operation, name, ("data", "x")) == "file_failed", "\(operation) \(name)")
            }
        }
        for operation in ["append", "write"] {
            #expect(yard.ask(operation, "in/none/", ("data", "x")).string?.hasPrefix("file_") == true)
        }
        #expect(yard.root.read("in/a.txt") == "inside")
        #expect(yard.ask("stat", "in/none").isNull)
        #expect(yard.ask("mkdir", "in/made/").isNull)
        #expect(yard.ask("list", "in/made/.").array?.isEmpty == true)
        #expect(yard.ask("stat", "in/sub/")["type"] == "directory")
        #expect(yard.ask("read", "in/sub/") == "is_directory")
        #expect(yard.ask("remove", "in/made/").isNull)
    }

    @Test func `bytes of any kind come back as they were written`() throws {
        let yard = try Yard()
        let bytes: [UInt8] = [0, 255, 128, 13, 10, 0xC3]
        let data = Value { arena in bytes.withUnsafeBytes { arena.writeString($0) } }
        #expect(yard.ask("write", "in/bytes", ("data", data)).isNull)
        #expect(yard.ask("read", "in/bytes").withCursor { $0.stringBytes.map(Array.init) } == bytes)
    }

    @Test(arguments: [false, true]) func `a file that gets a new name replaces nothing and has one name`(
        isOldKernel: Bool
    )
        throws
    {
        hs_play_old_kernel(isOldKernel ? 1 : 0)
        defer { hs_play_old_kernel(0) }
        let yard = try Yard()
        #expect(hs_rename_new(yard.path("in/a.txt"), yard.path("out/b.txt")) == EEXIST)
        #expect(yard.root.read("in/a.txt") == "inside" && yard.root.read("out/b.txt") == "outside")
        // Once it has the new name it has no other one, at any time.
        #expect(link(yard.path("in/a.txt"), yard.path("out/second")) == 0)
        #expect(hs_rename_new(yard.path("in/a.txt"), yard.path("out/new")) == 0)
        var info = stat()
        #expect(stat(yard.path("out/new"), &info) == 0 && info.st_nlink == 2)
        #expect(yard.root.read("in/a.txt") == nil && yard.root.read("out/new") == "inside")
        #expect(hs_rename_new(yard.path("in/none"), yard.path("out/other")) == ENOENT)
        #expect(yard.root.read("out/other") == nil)
    }

    #if os(Linux)
        @Test(arguments: [false, true]) func `whatever lies at a path is told of, and not touched`(isOldKernel: Bool)
            throws
        {
            hs_play_old_kernel(isOldKernel ? 1 : 0)
            defer { hs_play_old_kernel(0) }
            let yard = try Yard()
            #expect(mknod(yard.path("in/socket"), S_IFSOCK | 0o600, 0) == 0)
            #expect(mkfifo(yard.path("in/pipe"), 0o600) == 0)
            for name in ["in/socket", "in/pipe"] {
                #expect(yard.ask("stat", name)["type"] == "other", "\(name)")
                #expect(yard.ask("stat", name)["mode"] == 0o600, "\(name)")
            }
            #expect(yard.ask("stat", "in/sub")["type"] == "directory")
            #expect(yard.ask("stat", "in/none").isNull)
            // Where links are followed it is by where they lead.
            yard.link("in/inner", to: yard.path("in/a.txt"))
            #expect(yard.ask("stat", "in/inner")["type"] == "file")
        }
    #endif

    @Test(arguments: [false, true]) func `no path and no link leads out`(isOldKernel: Bool) throws {
        hs_play_old_kernel(isOldKernel ? 1 : 0)
        defer { hs_play_old_kernel(0) }
        let yard = try Yard()
        yard.link("in/file", to: yard.path("out/b.txt"))
        yard.link("in/relative", to: "../out/b.txt")
        yard.link("in/folder", to: yard.path("out"))
        yard.link("in/up", to: "..")
        yard.link("in/proc", to: "/proc/self/environ")
        let attacks = [
            "in/../out/b.txt", "in/sub/../../out/b.txt", "in/file", "in/relative", "in/folder/b.txt", "in/up/out/b.txt",
            "in/proc", "out/b.txt",
        ]
        for attack in attacks {
            #expect(yard.ask("read", attack) == "permission_denied", "\(attack)")
            #expect(yard.ask("stat", attack) == "permission_denied", "\(attack)")
            #expect(yard.ask("append", attack, ("data", "x")) == "permission_denied", "\(attack)")
        }
        for attack in ["in/folder/new", "in/up/out/new", "in/../out/new", "out/new"] {
            #expect(yard.ask("write", attack, ("data", "x")) == "permission_denied", "\(attack)")
            #expect(yard.ask("mkdir", attack) == "permission_denied", "\(attack)")
            #expect(yard.ask("remove", attack) == "permission_denied", "\(attack)")
        }
        #expect(yard.ask("list", "in/folder") == "permission_denied")
        #expect(yard.root.read("out/b.txt") == "outside")
        #expect(yard.root.read("out/new") == nil)
    }

    @Test func `a link within what is allowed is followed, and a write replaces one that leads out`() throws {
        let yard = try Yard()
        yard.link("in/here", to: "a.txt")
        yard.link("in/whole", to: yard.path("in/a.txt"))
        yard.link("in/file", to: yard.path("out/b.txt"))
        #expect(yard.ask("read", "in/here") == "inside")
        #expect(yard.ask("read", "in/whole") == "inside")
        #expect(yard.ask("write", "in/file", ("data", "mine")).isNull)
        #expect(yard.root.read("out/b.txt") == "outside")
        #expect(yard.ask("read", "in/file") == "mine")
        // A second name of a file outside keeps what it has there.
        Glibc_link(yard.path("out/b.txt"), yard.path("in/hard"))
        #expect(yard.ask("write", "in/hard", ("data", "mine")).isNull)
        #expect(yard.root.read("out/b.txt") == "outside")
    }

    @Test func `a folder that is swapped for a link while it is used leads nowhere`() throws {
        let yard = try Yard()
        let (real, aside, link) = (yard.path("in/sub"), yard.path("in/aside"), yard.path("in/link"))
        yard.root.write("inside", to: "in/sub/b.txt")
        yard.link("in/link", to: yard.path("out"))
        for round in 0..<300 {
            if round % 2 == 0 {
                rename(real, aside)
                rename(link, real)
            } else {
                rename(real, link)
                rename(aside, real)
            }
            let read = yard.ask("read", "in/sub/b.txt")
            #expect(read == "inside" || read == "permission_denied")
        }
        #expect(yard.root.read("out/b.txt") == "outside")
    }

    @Test func `pipes, devices and folders are refused at once, and a large file by its size`() throws {
        let yard = try Yard { permissions, root in permissions.read = .only([root + "/in", "/dev", "/proc"]) }
        mkfifo(yard.path("in/pipe"), 0o600)
        #expect(yard.ask("read", "in/pipe") == "file_refused")
        #expect(yard.ask("append", "in/pipe", ("data", "x")) != .null)
        #expect(yard.ask("read", "in/sub") == "is_directory")
        #expect(yard.ask("write", "in/sub", ("data", "x")) == "file_failed")
        for path in ["/dev/zero", "/dev/stdin", "/proc/self/environ", "/proc/self/fd/0", "/proc/self/mem"] {
            #expect(throws: HostFailure.self, "\(path)") {
                try yard.operations.perform("fs.read", ["path": Value(path)])
            }
        }
        #expect(yard.ask("read", "in/a.txt", ("max_size", 5)) == "too_large")
        #expect(yard.ask("read", "in/a.txt", ("max_size", 1_000_000_000)) == "invalid_request")
        for size in [1e18, 1.5, -1.0] {
            #expect(yard.ask("read", "in/a.txt", ("max_size", Value(size))) == "invalid_request")
        }
        #expect(yard.ask("read", "in/a.txt", ("max_size", Value(1000.0))) == "inside")
        #expect(yard.ask("read", "in/a.txt", ("offset", 2), ("length", 3)) == "sid")
    }

    @Test func `a pipe is not replaced by a file`() throws {
        let yard = try Yard { permissions, root in permissions.write = .only([root + "/in"]) }
        mkfifo(yard.path("in/pipe"), 0o600)
        #expect(yard.ask("write", "in/pipe", ("data", "x")) == "file_refused")
    }

    @Test func `a file may be allowed alone, also before it is there`() throws {
        let yard = try Yard { permissions, root in
            permissions.read = .only([root + "/out/b.txt"])
            permissions.write = .only([root + "/made.txt", root + "/fresh"])
        }
        #expect(yard.ask("read", "out/b.txt") == "outside")
        #expect(yard.ask("list", "out") == "permission_denied")
        #expect(yard.ask("write", "made.txt", ("data", "x")).isNull)
        #expect(yard.ask("write", "made.txt2", ("data", "x")) == "permission_denied")
        #expect(yard.ask("mkdir", "fresh/deep").isNull)
        #expect(yard.ask("write", "fresh/deep/f", ("data", "x")).isNull)
    }

    @Test func `everything means everything but what the kernel shows of processes`() throws {
        let yard = try Yard { permissions, _ in permissions.read = .everything }
        #expect(yard.ask("read", "out/b.txt") == "outside")
        #expect(throws: HostFailure.self) {
            try yard.operations.perform("fs.read", ["path": "/proc/self/environ"])
        }
    }

    @Test func `patterns find paths, and enter no links`() throws {
        let yard = try Yard()
        for name in ["in/b.csv", "in/sub/c.csv", "in/sub/.hidden.csv"] { yard.root.write("", to: name) }
        yard.link("in/folder", to: yard.path("out"))
        func found(_ pattern: String) throws -> [String] {
            let paths = try yard.operations.perform("fs.glob", ["pattern": Value(yard.path(pattern))])?.array ?? []
            return paths.compactMap(\.string).map { String($0.dropFirst(yard.root.path.utf8.count + 1)) }
        }
        #expect(try found("in/*.csv") == ["in/b.csv"])
        #expect(try found("in/**/*.csv") == ["in/b.csv", "in/sub/c.csv"])
        #expect(try found("in/[ab].???") == ["in/a.txt", "in/b.csv"])
        #expect(try found("in/[!a]*/?.csv") == ["in/sub/c.csv"])
        #expect(try found("in/fold*/*") == [])
        #expect(throws: HostFailure.self) { try found("in/folder/*") }
        #expect(try found("in/a.txt") == ["in/a.txt"])
        #expect(try found("in/a.txt/") == [])
        #expect(try found("in/sub/") == ["in/sub"])
        #expect(try found("in/*/") == ["in/sub"])
        #expect(throws: HostFailure.self) { try found("out/*") }
    }
}

private func Glibc_link(_ from: String, _ to: String) { link(from, to) }
