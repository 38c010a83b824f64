package import WorkflowEngine

/// A text that clients of the Model Context Protocol may read.
public struct ServerResource: Sendable {
    /// Such as `aikit://guides/loops`.
    public var uri: String
    public var title: String
    public var text: String
    /// The type of the text.
    public var type: String

    public init(uri: String, title: String, text: String, type: String = "text/markdown") {
        self.uri = uri
        self.title = title
        self.text = text
        self.type = type
    }
}

/// What sessions of the Model Context Protocol offer to their clients.
package struct MCPOffers: Sendable {
    let directory: RunDirectory
    let resources: [ServerResource]
    /// How a person answers a step of a run, in a sentence.
    let howToAnswer: @Sendable (_ run: String, _ path: String) -> String

    package init(
        _ directory: RunDirectory, resources: [ServerResource],
        howToAnswer: @escaping @Sendable (_ run: String, _ path: String) -> String
    ) {
        self.directory = directory
        self.resources = resources
        self.howToAnswer = howToAnswer
    }

    /// The tools of the workflows that the principal may see and that say what they do, in the order of their ids.
    func tools(for principal: Principal) async -> [MCPTool] {
        var names: Set<String> = [MCPTool.runsName]
        return await directory.catalog.workflows()
            .filter { $0.description?.isEmpty == false && principal.maySee($0.id) }
            .sorted { $0.id < $1.id }
            .map { MCPTool($0, taken: &names) }
    }
}
