internal import CGuides
internal import WorkflowServer

/// The guides and the reference, as clients of the Model Context Protocol read them.
enum Guides {
    /// Each as `aikit://guides/NAME`; the reference as `aikit://reference`.
    static let all: [ServerResource] = {
        var resources: [ServerResource] = []
        var index = 0
        while let guide = guide_at(index)?.pointee {
            let name = String(cString: guide.name)
            let text = String(decoding: UnsafeBufferPointer(start: guide.bytes, count: guide.length), as: UTF8.self)
            let heading = text.split(separator: "\n").first { $0.hasPrefix("# ") }.map { String($0.dropFirst(2)) }
            let uri = name == "reference" ? "aikit://reference" : "aikit://guides/\(name)"
            resources.append(ServerResource(uri: uri, title: heading ?? name, text: text))
            index += 1
        }
        return resources
    }()
}
