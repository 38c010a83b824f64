internal import CVMProcess
internal import Platform
internal import Synchronization

/// The way from a VM process to its host. Any thread; a host that is slow holds up whoever sends, and one that is gone ends the
/// process.
final class HostLine: Sendable {
    private let lock = Mutex(())

    func send(_ frame: Frame) {
        let bytes = frame.encoded
        let status = lock.withLock { _ in bytes.withUnsafeBytes { vp_send(hostSocket, $0.baseAddress, $0.count) } }
        if status != 0 { _exit(0) }
    }
}

let hostSocket = Int32(VP_SOCKET)
