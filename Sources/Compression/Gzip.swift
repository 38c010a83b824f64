internal import CZlib

/// Bytes as one member of a gzip file; nil if there is no memory for it.
package func gzip(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count < Int(UInt32.max) else { return nil }
    var stream = z_stream()
    guard aikit_gzip_begin(&stream) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    var source = bytes
    return source.withUnsafeMutableBufferPointer { source in
        var isWhole = false
        let result = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(clamping: bound)
            isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
            count = isWhole ? Int(stream.total_out) : 0
        }
        return isWhole ? result : nil
    }
}
