import FlatValue
import Foundation
import Testing
import WorkflowCore

@testable import VMProcess

private typealias WireFrame = VMProcess.WireFrame

@Suite struct FrameReaderTests {
    /// A socket on which a frame comes, followed by the end.
    private func socket(giving frame: WireFrame) -> Int32 {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let (bytes, end) = (frame.encoded, ends[1])
        Thread.detachNewThread {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(end, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count <= 0 { break }
                rest = rest.dropFirst(count)
            }
            close(end)
        }
        return ends[0]
    }

    private let large = WireFrame(.log, ["message": "large"], body: [UInt8](repeating: 7, count: 2 << 20))

    @Test func `a large frame is read once there is memory for it`() throws {
        let socket = socket(giving: large)
        defer { close(socket) }
        var looks = 0
        var reader = FrameReader(socket: socket, looks: 100) { bytes in
            #expect(bytes > 4 << 20)
            looks += 1
            return looks < 4 ? .later : .admitted
        }
        #expect(try reader.next() == large)
        #expect(looks == 4)
        #expect(try reader.next() == nil)
    }

    @Test func `that a reader has no memory is no fault of the writer`() {
        for answer in [FrameReader.Admission.later, .never] {
            let socket = socket(giving: large)
            defer { close(socket) }
            var reader = FrameReader(socket: socket, looks: 3) { _ in answer }
            let fault = #expect(throws: FrameFault.self) { try reader.next() }
            #expect(fault?.isOfReader == true)
        }
        #expect(!FrameFault("a frame that is cut off").isOfReader)
    }
}
