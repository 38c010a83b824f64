import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    @Suite("What a server finds around it")
    struct ServeSurroundingsTests {
        private static let script = """
            return require("aikit").workflow { id = "talk" }
              :step { id = "s", handler = function(input)
                for _ = 1, 100 do print(("x"):rep(50000)) end
                return input
              end }
              :commit()
            """

        @Test func `a log that nobody reads holds up no run and no end`() async throws {
            let program = try Program(["talk.lua": Self.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program, "--grace", "5s")
            defer { server.running.send(SIGKILL) }
            let first = try await server.ask("POST", "/api/workflows/talk/run", ["inputData": 1])
            #expect(first.json["result"] == 1)
            // Once it is read again, it says what it lacks.
            #expect(server.running.hear("the log was not read in time, and lacks entries entries="))
            let second = try await server.ask("POST", "/api/workflows/talk/run", ["inputData": 2])
            #expect(second.json["result"] == 2)
            server.running.send(SIGTERM)
            #expect(server.running.ended() == 0)
        }

        @Test func `what is logged before the end is written, also of a start that fails`() throws {
            let program = try Program(["talk.lua": Self.script, "bad.lua": "return ="])
            defer { program.remove() }
            let server = try ServeTests.Server(program)
            server.running.send(SIGTERM)
            #expect(server.running.finish().errors.hasSuffix(" stopped\n"))
            let second = try ServeTests.Server(program)
            defer { second.running.send(SIGKILL) }
            let refused = try program.run("serve", ".", "--store", "other.db", "--port", "\(second.port)")
            #expect(refused.status == 2)
            let loading = try #require(refused.errors.firstRange(of: "bad.lua does not load"), "\(refused.errors)")
            let listening = try #require(refused.errors.firstRange(of: "cannot listen at"), "\(refused.errors)")
            #expect(loading.lowerBound < listening.lowerBound)
        }

        @Test(arguments: ["serve . --port 0", "init x", "run w.lua --store memory"])
        func `a working folder that was deleted is named`(_ command: String) throws {
            var program = try Program()
            defer { program.remove() }
            let binary = program.binary
            program.binary = "/bin/sh"
            let outcome = try program.run(
                "-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" \(command)", binary)
            #expect(outcome.status == 2, "\(outcome.errors)")
            #expect(outcome.errors.contains("the working folder is gone"), "\(outcome.errors)")
        }

        #if os(Linux)
            @Test func `a script or a folder whose name is not UTF-8 is shown as broken`() async throws {
                let program = try Program(["talk.lua": Self.script])
                defer { program.remove() }
                for (name, isFolder) in [("bad\u{1}.lua", false), ("sub\u{1}", true), ("note\u{1}.txt", false)] {
                    var bytes = Array((program.folder.path + "/" + name).utf8).map { $0 == 1 ? 0xFF : $0 }
                    bytes.append(0)
                    let made = bytes.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { path in
                        path.baseAddress.map { isFolder ? mkdir($0, 0o755) : open($0, O_CREAT | O_WRONLY, 0o644) } ?? -1
                    }
                    #expect(made >= 0)
                    if !isFolder { close(made) }
                }
                let server = try ServeTests.Server(program)
                let said = "its name is not UTF-8, so nothing can be loaded from it; rename it"
                #expect(server.running.said.contains("bad\u{fffd}.lua: " + said), "\(server.running.said)")
                let broken = try await server.ask("GET", "/api/workflows").json["broken"]?.array ?? []
                #expect(broken.map { $0["file"] } == ["bad\u{fffd}.lua", "sub\u{fffd}/"])
                #expect(broken.allSatisfy { $0["error"]?.string == said })
                server.running.send(SIGTERM)
                let log = server.running.finish()
                #expect(log.status == 0 && log.errors.components(separatedBy: said).count == 3, "\(log.errors)")
            }
        #endif

        @Test(arguments: [
            (["--host", ""], "--host is empty"),
            (["--base-path", "/a?b"], "--base-path takes a path such as /workflows"),
            (["--base-path", "/../x"], "got '/../x'"), (["--base-path", "a b"], "got 'a b'"),
            (["--base-path", "/{id}"], "got '/{id}'"), (["--base-path", "/a/**"], "got '/a/**'"),
            (["--tls-cert", "c.pem", "--tls-key", "new.pem"], "--tls-key new.pem has a passphrase"),
            (["--tls-cert", "c.pem", "--tls-key", "old.pem"], "openssl pkey -in old.pem -out NEW.pem"),
        ])
        func `a setting that cannot work is refused with the reason`(_ options: [String], _ reason: String) throws {
            let program = try Program([
                "talk.lua": Self.script, "c.pem": "x",
                "new.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "old.pem":
                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n",
            ])
            defer { program.remove() }
            let refused = try program.run(["serve", ".", "--store", "memory", "--port", "0"] + options)
            #expect(refused.status == 2 && refused.errors.contains(reason), "\(refused.errors)")
        }

        @Test func `a setting of aikit_json that comes twice is refused with its place`() throws {
            let program = try Program([
                "talk.lua": Self.script, "aikit.json": "{ \"port\": 0,\n  \"store\": \"memory\",\n  \"port\": 1 }",
            ])
            defer { program.remove() }
            let refused = try program.run("serve", ".")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("aikit.json:3:3: the key 'port' comes twice"), "\(refused.errors)")
        }
    }
}
