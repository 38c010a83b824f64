internal import Crypto
internal import FlatValue

/// The source of a script and of every module that it required: all that is needed to run it again, whatever becomes of the
/// files.
package struct ScriptBundle: Sendable, Equatable {
    /// One file, as it was read.
    package struct File: Sendable, Equatable {
        /// The name by which it is required; empty for the script itself.
        package var module: String
        /// The path that errors show.
        package var path: String
        package var source: [UInt8]

        package init(module: String, path: String, source: [UInt8]) {
            self.module = module
            self.path = path
            self.source = source
        }

        /// The content's hash, in hexadecimal digits.
        package var hash: String { Self.hash(of: source) }

        static func hash(of source: [UInt8]) -> String { BytesText.hex(SHA256.hash(data: source)) }
    }

    /// The script first, then its modules in the order in which they were required.
    package var files: [File]

    package init(files: [File]) { self.files = files }

    package var script: File { files[0] }

    /// The hash of all files and their names: two bundles with one id run alike.
    package var id: String {
        var hasher = SHA256()
        for file in files.prefix(1) + files.dropFirst().sorted(by: { $0.module < $1.module }) {
            hasher.update(data: Array("\(file.module)\n\(file.source.count)\n".utf8))
            hasher.update(data: file.source)
        }
        return BytesText.hex(hasher.finalize())
    }
}
