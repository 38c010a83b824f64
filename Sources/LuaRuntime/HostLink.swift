internal import CLuaBridge
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Leads the bridge's C callbacks to a ``LuaHost``.
final class HostLink {
    private let host: any LuaHost
    private let clock: any EngineClock

    init(_ host: any LuaHost) {
        self.host = host
        clock = host.clock
    }

    private static func link(_ user: UnsafeMutableRawPointer?) -> HostLink? {
        user.map { Unmanaged<HostLink>.fromOpaque($0).takeUnretainedValue() }
    }

    static let sync:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int, UnsafePointer<UInt8>, Int,
            UnsafeMutablePointer<lb_bytes>
        ) -> Bool = { user, op, opLength, payload, _, response in
            guard let link = link(user) else { return false }
            let arena = UnsafeMutableRawPointer(response).assumingMemoryBound(to: ByteArena.self)
            return link.host.answer(
                op: UnsafeRawBufferPointer(start: op, count: opLength), payload: ValueCursor(UnsafeRawPointer(payload)),
                response: &arena.pointee)
        }

    static let loadModule:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int, UnsafeMutablePointer<lb_bytes>,
            UnsafeMutablePointer<lb_bytes>
        ) -> Int32 = { user, name, length, source, chunkName in
            guard let link = link(user) else { return -1 }
            let name = String(decoding: UnsafeRawBufferPointer(start: name, count: length), as: UTF8.self)
            switch link.host.findModule(named: name) {
            case .found(let bytes, let path):
                append(bytes, to: source)
                append(Array(path.utf8), to: chunkName)
                return 1
            case .notFound(let places):
                append(Array(places.utf8), to: source)
                return 0
            case .failed(let message):
                append(Array(message.utf8), to: source)
                return -1
            }
        }

    static let now: @convention(c) (UnsafeMutableRawPointer?) -> Int64 = { link($0)?.clock.now() ?? 0 }
    static let elapsed: @convention(c) (UnsafeMutableRawPointer?) -> Int64 = { link($0)?.clock.elapsed() ?? 0 }

    private static func append(_ bytes: [UInt8], to target: UnsafeMutablePointer<lb_bytes>) {
        bytes.withUnsafeBytes { bytes in
            UnsafeMutableRawPointer(target).assumingMemoryBound(to: ByteArena.self).pointee.append(bytes)
        }
    }
}
