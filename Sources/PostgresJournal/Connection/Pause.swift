internal import Platform

/// Lets the thread sleep for some nanoseconds.
func pauseThread(_ nanoseconds: UInt64) {
    var time = timespec()
    time.tv_sec = numericCast(min(nanoseconds / 1_000_000_000, 3600))
    time.tv_nsec = numericCast(nanoseconds % 1_000_000_000)
    nanosleep(&time, nil)
}

/// For people: the host and the process.
func processName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    let host = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "\(host):\(getpid())"
}
