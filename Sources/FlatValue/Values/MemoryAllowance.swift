internal import Platform
internal import Synchronization

/// How much memory the process may take, and what follows from it for what one run and one VM may hold.
///
/// Memory that the system refuses to Swift ends the process, so what scripts and runs take stops well before.
package enum MemoryAllowance {
    /// Bytes of address space (`ulimit -v`); nil where it is not limited.
    package static let addressSpace = ProcessLimit.addressSpace.current

    /// Bytes of data, stacks and memory of its own (`ulimit -d`); nil where they are not limited. The program's constants count.
    package static let data = ProcessLimit.data.current

    /// Bytes of memory in use at which the system ends a process of this machine or container.
    package static let memory: Int = min(physicalMemory, limitOfContainer() ?? .max)

    /// Bytes that a run may record unless something else is said: at most 1 GiB, and less where its copies would not fit.
    package static let runSize = min(1 << 30, memory / 16, (addressSpace ?? .max) / 32, (data ?? .max) / 64)

    /// Bytes that one VM may hold unless something else is said: at most 1 GiB.
    package static let vmSize = min(1 << 30, memory / 2, (addressSpace ?? .max) / 2, (data ?? .max) / 2)

    /// Bytes of address space and data that scripts and runs leave to the rest of the process: the copies of what a run recorded
    /// on its way to a store, a watcher and a reader, threads, connections. Zero where neither is limited.
    package static let reserve: Int =
        if addressSpace != nil { max(96 << 20, 14 * runSize) } else if data != nil { max(32 << 20, 14 * runSize) } else
        { 0 }

    /// Whether the system refuses memory beyond a limit, where it would end the process otherwise.
    package static let isLimited = addressSpace != nil || data != nil

    /// What ``admits(_:)`` leaves alone where that is more than ``reserve``.
    private static let keptFree = Atomic<Int>(0)

    /// Has ``admits(_:)`` leave so many bytes alone: the address space of the process has been limited since it began.
    package static func keepFree(_ bytes: Int) { keptFree.store(bytes, ordering: .relaxed) }

    /// Whether so many bytes more leave the reserve alone.
    package static func admits(_ bytes: Int) -> Bool {
        let reserve = max(reserve, keptFree.load(ordering: .relaxed))
        guard reserve > 0 else { return true }
        let (wanted, overflow) = reserve.addingReportingOverflow(max(bytes, 0))
        return !overflow && isFree(wanted)
    }

    /// Whether so many bytes can be had at this moment, of address space and of data. None of them is used.
    package static func isFree(_ bytes: Int) -> Bool {
        // What cannot be written does not count as data.
        let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
        guard let space = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), space != MAP_FAILED else {
            return false
        }
        munmap(space, bytes)
        return true
    }

    private static var physicalMemory: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        return overflow || bytes <= 0 ? .max : bytes
    }

    /// What the process's control group may take: the lowest limit from its own group up to the root (version 2), or
    /// that of its memory controller (version 1).
    private static func limitOfContainer() -> Int? {
        guard let groups = text("/proc/self/cgroup") else { return nil }
        var lowest: Int?
        for group in groups.split(separator: "\n") {
            let parts = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
            let folder = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
            var path = parts[2]
            while true {
                let name = "\(folder)\(path == "/" ? "" : path)/\(file)"
                if let bytes = text(name).flatMap({ Int($0.filter(\.isNumber)) }), bytes > 0 {
                    lowest = min(lowest ?? bytes, bytes)
                }
                guard path.count > 1, let cut = path.lastIndex(of: "/") else { break }
                path = cut == path.startIndex ? "/" : path[..<cut]
            }
        }
        return lowest
    }

    /// The first 4 KiB of a file of the system; nil where there is none.
    private static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = read(file, buffer.baseAddress, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}
