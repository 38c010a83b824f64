/// The parser of arguments builds on reflection and takes as long as all the rest of a short run. So the plain form of the
/// most frequent command is read here, and whatever is not plain is left to the parser: help, mistakes, unusual forms.
extension RunRequest {
    /// Reads `run SCRIPT --option value --option=value --events`; nil unless every word is as expected.
    init?(quickly words: [String]) {
        guard words.first == "run" else { return nil }
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if !word.hasPrefix("-") {
                guard script.isEmpty, !word.isEmpty else { return nil }
                script = word
            } else if word == "--events" {
                events = true
            } else if let equals = word.firstIndex(of: "=") {
                let value = String(word[word.index(after: equals)...])
                guard !value.isEmpty, take(String(word[..<equals]), value) else { return nil }
            } else {
                guard let value = rest.popFirst(), !value.isEmpty, value == "-" || !value.hasPrefix("-"),
                    !CommandLineArguments.withOptionalValue.contains(word), take(word, value)
                else { return nil }
            }
        }
        if script.isEmpty { return nil }
    }

    /// Takes an option that has not been given before; false if there is no such option.
    private mutating func take(_ option: String, _ value: String) -> Bool {
        func set(_ target: inout String?) -> Bool {
            guard target == nil else { return false }
            target = value
            return true
        }
        switch option {
        case "--workflow": return set(&workflow)
        case "--input": return set(&input)
        case "--metadata": return set(&metadata)
        case "--ctx": return set(&ctx)
        case "--run-id": return set(&runID)
        case "--store": return set(&store)
        case "--durability": return set(&durability)
        case "--timeout": return set(&timeout)
        case "--workers":
            guard workers == nil, let count = Int(value) else { return false }
            workers = count
        case "--allow-net": net.append(value)
        case "--allow-env": env.append(value)
        case "--allow-read": read.append(value)
        case "--allow-write": write.append(value)
        case "--allow-run": run.append(value)
        default: return false
        }
        return true
    }
}
