internal import ArgumentParser
internal import CTemplates

/// What a new project begins as.
enum ProjectTemplate: String, CaseIterable, ExpressibleByArgument {
    case minimal
    case httpAPI = "http-api"
    case humanApproval = "human-approval"
    case batch
    case agent

    /// What the project does, in one sentence.
    var summary: String {
        switch self {
        case .minimal: "A workflow of two steps that says hello."
        case .httpAPI: "A workflow that asks a public API for the weather."
        case .humanApproval: "A workflow that books an expense once a person has approved it."
        case .batch: "A workflow that imports a batch of orders."
        case .agent: "An agent that sorts mail, with tools and a person who approves."
        }
    }

    /// The name of the workflow's file, without its ending.
    var scriptName: String {
        switch self {
        case .minimal: "hello"
        case .httpAPI: "weather"
        case .humanApproval: "expense"
        case .batch: "import"
        case .agent: "triage"
        }
    }

    /// What runs the workflow on the input that comes with it.
    var runCommand: String {
        let command = "aikit-lua run \(scriptName).lua --input @input.json"
        return switch self {
        case .httpAPI: command + " --allow-net=geocoding-api.open-meteo.com,api.open-meteo.com"
        case .agent: command + " --allow-model=gpt-5-mini"
        case .minimal, .humanApproval, .batch: command
        }
    }

    /// Its own files and those that every project has, by the names that they have in the project.
    var files: [(path: String, text: String)] {
        var files: [(path: String, text: String)] = []
        var index = 0
        while let file = template_at(index)?.pointee {
            index += 1
            let text = String(decoding: UnsafeRawBufferPointer(start: file.text, count: file.length), as: UTF8.self)
            let name = String(cString: file.name)
            switch String(cString: file.folder) {
            case rawValue: files.append((name, text))
            // Files that begin with a dot would be overlooked in the repository.
            case "common": files.append((name == "README.md" ? name : "." + name, text))
            default: continue
            }
        }
        return files
    }
}
