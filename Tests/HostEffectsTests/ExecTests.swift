import FlatValue
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

private func service(
    run: Permissions.Scope = .only(["sh", "cat"]), secrets: [String: String] = [:]
) -> HostEffectsService {
    var permissions = Permissions()
    permissions.run = run
    return HostEffectsService(
        permissions: permissions, secrets: Secrets(given: secrets, environment: { _ in nil }), settings: HTTPSettings())
}

private func exec(_ payload: Value, _ service: HostEffectsService = service()) async -> HostAnswer {
    await withCheckedContinuation { continuation in
        _ = service.begin(HostCall("exec", payload: payload, workflow: "w", run: "r", path: "s")) {
            continuation.resume(returning: $0)
        }
    }
}

private func shell(_ text: String) -> Value { ["argv": ["sh", "-c", Value(text)]] }

/// Whether a process is there and has not ended.
private func isAlive(_ pid: String) -> Bool { pid_t(pid).map { kill($0, 0) == 0 } ?? false }

@Suite(.serialized) struct ExecTests {
    @Test func `a program runs with its arguments as they are, its input and its streams`() async {
        let answer = await exec([
            "argv": ["sh", "-c", "cat; echo \"$1\" >&2; exit 3", "sh", "a b;$(id)"], "stdin": "fed",
        ])
        #expect(answer.ok)
        #expect(answer.value == ["status": 3, "stdout": "fed", "stderr": "a b;$(id)\n"])
    }

    @Test func `a program that is not allowed is refused by its flag, wherever it lies`() async throws {
        let folder = try TemporaryFolder()
        let own = folder.write("#!/bin/sh\necho evil\n", to: "sh", mode: 0o755)
        for (name, run) in [("ls", Permissions.Scope.only(["sh"])), ("sh", .nothing), (own, .only(["sh"]))] {
            let answer = await exec(["argv": [Value(name)]], service(run: run))
            #expect(answer.value["code"] == "permission_denied")
            #expect(answer.value["details"] == ["flag": Value("--allow-run=" + name)])
        }
        #expect(await exec(["argv": [Value(own)]], service(run: .only([own]))).value["stdout"] == "evil\n")
        #expect(
            await exec(["argv": ["no-such-program"]], service(run: .everything)).value["code"] == "program_not_found")
    }

    @Test func `variables that make a program run other code take the permission to run all`() async {
        for name in ["LD_PRELOAD", "BASH_ENV", "BASH_FUNC_echo%%", "PATH", "HOME", "GIT_EXTERNAL_DIFF", "NODE_OPTIONS"]
        {
            let call: Value = ["argv": ["sh", "-c", "exit 3"], "env": Value(entries: [(name, Value("/nowhere"))])]
            let refused = await exec(call, service(run: .only(["sh"])))
            #expect(refused.value["code"] == "permission_denied", "\(name)")
            #expect(refused.value["details"] == ["flag": "--allow-run"])
            guard name != "LD_PRELOAD" else { continue }
            #expect(await exec(call, service(run: .everything)).value["status"] == 3, "\(name)")
        }
        for mark in PathByteTests.marks {
            let call: Value = [
                "argv": ["sh", "-c", "exit 3"], "env": Value(entries: [("BASH_ENV=\(mark)x", Value("v"))]),
            ]
            #expect(await exec(call, service(run: .only(["sh"]))).value["code"] == "invalid_request", "\(mark)")
        }
        #expect(
            await exec(["argv": ["ls"], "cwd": "/tmp\0x"], service(run: .everything)).value["code"]
                == "invalid_request")
        for name in ["NODE_ENV", "GIT_AUTHOR_NAME", "TOKEN"] {
            let call: Value = ["argv": ["sh", "-c", "exit 3"], "env": Value(entries: [(name, Value("x"))])]
            #expect(await exec(call, service(run: .only(["sh"]))).value["status"] == 3, "\(name)")
        }
    }

    @Test func `a program sees the usual variables and those that it is given, and no descriptor of this process`()
        async
    {
        setenv("AIKIT_TEST_HIDDEN", "hidden", 1)
        let descriptor = dup(0)
        defer { close(descriptor) }
        var payload = shell("env; ls /proc/self/fd | wc -l")
        payload = ["argv": payload["argv"] ?? .null, "env": ["GIVEN": "yes"]]
        let output = await exec(payload).value["stdout"]?.string ?? ""
        #expect(output.contains("GIVEN=yes\n"))
        #expect(output.contains("PATH="))
        #expect(!output.contains("hidden"))
        #if os(Linux)
            // The three streams, and the folder that ls reads.
            #expect(output.hasSuffix("4\n"))
        #endif
    }

    @Test func `a secret is in the environment alone, and what prints it shows its name`() async {
        let answer = await exec(
            ["argv": ["sh", "-c", "echo $KEY; printf %s \"$KEY\" | wc -c"], "env": ["KEY": ["$secret": "K"]]],
            service(secrets: ["K": "hunter2"]))
        let output = answer.value["stdout"]?.string ?? ""
        #expect(output.hasPrefix("[secret K]\n"))
        #expect(output.hasSuffix("7\n"))
    }

    @Test func `a program that hangs is killed with all that it started`() async throws {
        let folder = try TemporaryFolder()
        let text = "trap '' TERM INT; sleep 600 & echo $! > \(folder.path)/pid; wait"
        let answer = await exec(["argv": ["sh", "-c", Value(text)], "timeout": "300ms"])
        #expect(answer.value["code"] == "exec_timeout")
        #expect(answer.value["message"] == "'sh' did not end within 300 ms and was killed")
        let pid = (folder.read("pid") ?? "").filter(\.isNumber)
        #expect(!pid.isEmpty)
        while isAlive(pid) { sched_yield() }
    }

    @Test func `a program that leaves others behind ends, and takes them along`() async throws {
        let answer = await exec(shell("sleep 600 & echo $!; exit 0"))
        #expect(answer.value["status"] == 0)
        let pid = (answer.value["stdout"]?.string ?? "").filter(\.isNumber)
        while isAlive(pid) { sched_yield() }
    }

    @Test func `a program that prints without end is killed at the limit`() async {
        let answer = await exec(["argv": ["sh", "-c", "cat /dev/zero"], "max_output": 100_000])
        #expect(answer.value["code"] == "too_large")
        #expect(await exec(["argv": ["sh"], "max_output": -1]).value["code"] == "invalid_request")
    }

    @Test func `input that nobody reads, and large input and output, hold nothing up`() async {
        let large = String(repeating: "x", count: 3_000_000)
        #expect(await exec(["argv": ["sh", "-c", "exit 0"], "stdin": Value(large)]).value["status"] == 0)
        #expect(await exec(["argv": ["cat"], "stdin": Value(large)]).value["stdout"] == Value(large))
    }

    @Test func `a signal that ends a program is named`() async {
        #expect(await exec(shell("kill -SEGV $$")).value["signal"] == "SIGSEGV")
    }

    @Test func `a call that is given up ends its program, and is not answered`() async throws {
        let folder = try TemporaryFolder()
        let service = service()
        let payload = shell("echo $$ > \(folder.path)/pid; exec sleep 600")
        nonisolated(unsafe) var answered = false
        let operation = service.begin(HostCall("exec", payload: payload, workflow: "w", run: "r", path: "s")) { _ in
            answered = true
        }
        while folder.read("pid")?.hasSuffix("\n") != true { sched_yield() }
        operation?.cancel()
        while isAlive((folder.read("pid") ?? "").filter(\.isNumber)) { sched_yield() }
        #expect(!answered)
    }

    @Test func `variables of the environment go by the permission`() async {
        setenv("AIKIT_TEST_SHOWN", "shown", 1)
        var permissions = Permissions()
        func get(_ operation: String, _ payload: Value) throws(HostFailure) -> Value {
            try EnvironmentVariables.perform(operation, payload, permissions)
        }
        let failure = #expect(throws: HostFailure.self) { try get("env.get", ["name": "AIKIT_TEST_SHOWN"]) }
        #expect(failure?.details == ["flag": "--allow-env=AIKIT_TEST_SHOWN"])
        #expect(throws: HostFailure.self) { try get("env.all", .emptyObject) }
        permissions.env = .only(["AIKIT_TEST_S*"])
        #expect((try? get("env.get", ["name": "AIKIT_TEST_SHOWN"])) == "shown")
        #expect((try? get("env.get", ["name": "AIKIT_TEST_SNONE"]))?.isNull == true)
        #expect((try? get("env.all", .emptyObject))?["AIKIT_TEST_SHOWN"] == "shown")
        #expect((try? get("env.all", .emptyObject))?["PATH"] == nil)
    }
}
