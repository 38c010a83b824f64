internal import GRDB
internal import GRDBSQLite

/// SQLite's index of the write-ahead log, which all connections of a store share in memory.
///
/// Its layout is part of SQLite's file format (https://www.sqlite.org/walformat.html). Valid while the connection is inside a
/// transaction; numbers of frames count from 1.
struct LogIndex {
    private let bytes: UnsafeRawPointer

    /// How far the log has been copied into the database. It changes before and after each copying.
    struct Copying: Equatable {
        fileprivate var salt: UInt64
        fileprivate var done: UInt32
        fileprivate var attempted: UInt32

        /// No connection copies at this moment, and none was stopped while it did.
        var isAtRest: Bool { done == attempted }
    }

    /// Nil where the store has no such index, as on file systems without shared memory.
    init?(of file: UnsafeMutablePointer<sqlite3_file>) {
        guard let methods = file.pointee.pMethods, methods.pointee.iVersion >= 2, let map = methods.pointee.xShmMap
        else { return nil }
        var region: UnsafeMutableRawPointer?
        guard map(file, 0, 32_768, 0, &region) == SQLITE_OK, let region else { return nil }
        bytes = UnsafeRawPointer(region)
    }

    var copying: Copying {
        Copying(
            salt: bytes.load(fromByteOffset: 32, as: UInt64.self),
            done: bytes.load(fromByteOffset: 96, as: UInt32.self),
            attempted: bytes.load(fromByteOffset: 128, as: UInt32.self))
    }

    private var lastFrame: UInt32 { bytes.load(fromByteOffset: 16, as: UInt32.self) }

    private var pageSize: Int64 {
        let size = Int64(bytes.load(fromByteOffset: 14, as: UInt16.self))
        return size == 1 ? 65_536 : size
    }

    /// Whether the newest frame stands in the log's file as it was written. Asked by whoever holds the lock of the writer.
    func isEnd(of log: UnsafeMutablePointer<sqlite3_file>) -> Bool {
        let frame = Int64(lastFrame)
        if frame == 0 { return true }
        guard let methods = log.pointee.pMethods, let measure = methods.pointee.xFileSize,
            let read = methods.pointee.xRead
        else { return true }
        var size: Int64 = 0
        guard measure(log, &size) == SQLITE_OK, size >= 32 + frame * (24 + pageSize) else { return false }
        // Page, size of the database, the two salts as they stand in the file, the two checksums in big-endian order.
        var header = (UInt64(0), UInt64(0), UInt32(0), UInt32(0))
        let status = withUnsafeMutableBytes(of: &header) {
            read(log, $0.baseAddress, 24, 32 + (frame - 1) * (24 + pageSize))
        }
        return status == SQLITE_OK && header.1 == bytes.load(fromByteOffset: 32, as: UInt64.self)
            && UInt32(bigEndian: header.2) == bytes.load(fromByteOffset: 24, as: UInt32.self)
            && UInt32(bigEndian: header.3) == bytes.load(fromByteOffset: 28, as: UInt32.self)
    }

    private static let sampledPages: Int64 = 16

    /// A number that follows from pages of the database that are spread over its file.
    func sample(of database: UnsafeMutablePointer<sqlite3_file>, size: Int64) -> UInt64 {
        guard let read = database.pointee.pMethods?.pointee.xRead, pageSize >= 512 else { return 0 }
        let pages = size / pageSize
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        withUnsafeTemporaryAllocation(byteCount: Int(pageSize), alignment: 8) { page in
            for step in 0..<min(pages, Self.sampledPages) {
                let number = pages <= Self.sampledPages ? step : step * (pages - 1) / (Self.sampledPages - 1)
                guard read(database, page.baseAddress, Int32(pageSize), number * pageSize) == SQLITE_OK else { return }
                for word in page.bindMemory(to: UInt64.self) { hash = (hash ^ word) &* 0x100_0000_01B3 }
            }
        }
        return hash
    }
}

extension Database {
    /// SQLite's handle of the database's file, or of its log; owned by the connection.
    func file(_ operation: Int32) -> UnsafeMutablePointer<sqlite3_file>? {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let status = sqlite3_file_control(sqliteConnection, "main", operation, &file)
        return status == SQLITE_OK && file?.pointee.pMethods != nil ? file : nil
    }
}
