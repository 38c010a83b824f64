internal import FlatValue

#if DEBUG
    internal import CVMProcess
    internal import Synchronization
    internal import WorkflowCore
    internal import WorkflowEngine

    /// What a broken bridge might do, for tests: a script asks for it by a line of its log.
    enum VMFault {
        static let mark = "vm-fault:"
        /// What is forged from now on.
        private static let forged = Mutex<Set<String>>([])

        static func forges(_ what: String) -> Bool { forged.withLock { $0.contains(what) } }

        /// A batch as it is sent in place of a true one.
        static func forge(_ batch: WireBatch, _ body: [UInt8]) -> (WireBatch, [UInt8]) {
            var (batch, body) = (batch, body)
            if forges("place") {
                var ticket = QueueTicket()
                ticket.shares = [QueueTicket.Share(.concurrency, key: "", limit: 1)]
                for index in batch.entries.indices where batch.entries[index].sequence == 0 {
                    batch.entries[index].ticket = ticket
                }
            }
            if forges("successor") {
                for index in body.indices.dropLast() where body[index...].starts(with: "~2".utf8) {
                    body[index + 1] = UInt8(ascii: "9")
                }
            }
            return (batch, body)
        }

        static func perform(_ message: String, _ line: HostLine) {
            guard message.hasPrefix(mark) else { return }
            switch message.dropFirst(mark.count) {
            case "garbage": line.send(WireFrame(.batch, ["batch": 1]))
            case "foreign-run":
                line.send(
                    WireFrame(
                        .batch,
                        ["batch": 1, "entries": [["r-other", 0, 0, 32, 0, 0]], "settlements": [], "answers": []],
                        body: [UInt8](repeating: 1, count: 32)))
            case "foreign-request":
                line.send(
                    WireFrame(
                        .request,
                        ["call": 1, "operation": "env", "run": "r-other", "path": "x", "attempt": 1, "occurrence": 1],
                        body: [0]))
            case "noise":
                let bytes = [UInt8](repeating: 0xFF, count: 64)
                _ = bytes.withUnsafeBytes { vp_send(hostSocket, $0.baseAddress, $0.count) }
            case let name where name.hasPrefix("forge-"):
                forged.withLock { _ = $0.insert(String(name.dropFirst("forge-".count))) }
            case let name: vp_fault(String(name))
            }
        }
    }
#endif
