internal import Foundation

/// A folder of a test's own, with scripts that it saves in the ways in which editors do.
struct ScriptFolder: Sendable {
    let url: URL

    init(_ files: [String: String] = [:]) throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("aikit-scripts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Truncates the file and writes it anew, as simple editors do.
    func write(_ text: String, to name: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Writes another file and renames it to this one, as careful editors do.
    func replace(_ name: String, with text: String) throws {
        try write(text, to: name + "~")
        try rename(name + "~", to: name)
    }

    /// Puts a symbolic link in place of whatever has the name, in one step.
    func link(_ name: String, to target: String) throws {
        try? FileManager.default.removeItem(at: url.appendingPathComponent(name + "~"))
        try FileManager.default.createSymbolicLink(atPath: path(name + "~"), withDestinationPath: target)
        try rename(name + "~", to: name)
    }

    private func rename(_ name: String, to other: String) throws {
        guard Foundation.rename(path(name), path(other)) == 0 else { throw POSIXError(.EIO) }
    }

    func delete(_ name: String) throws { try FileManager.default.removeItem(at: url.appendingPathComponent(name)) }

    func remove() { try? FileManager.default.removeItem(at: url) }
}
