internal import FlatValue

#if DEBUG
    internal import CVMProcess
    internal import WorkflowCore

    /// What a broken bridge might do, for tests: a script asks for it by a line of its log.
    enum VMFault {
        static let mark = "vm-fault:"

        static func perform(_ message: String, _ line: HostLine) {
            guard message.hasPrefix(mark) else { return }
            switch message.dropFirst(mark.count) {
            case "garbage": line.send(Frame(.batch, ["batch": 1]))
            case "foreign-run":
                line.send(
                    Frame(
                        .batch,
                        ["batch": 1, "entries": [["r-other", 0, 0, 32, 0, 0]], "settlements": [], "answers": []],
                        body: [UInt8](repeating: 1, count: 32)))
            case "foreign-request":
                line.send(
                    Frame(
                        .request,
                        ["call": 1, "operation": "env", "run": "r-other", "path": "x", "attempt": 1, "occurrence": 1],
                        body: [0]))
            case "noise":
                let bytes = [UInt8](repeating: 0xFF, count: 64)
                _ = bytes.withUnsafeBytes { vp_send(hostSocket, $0.baseAddress, $0.count) }
            case let name: vp_fault(String(name))
            }
        }
    }
#endif
