internal import HostEffects

/// The parser of arguments builds on reflection and takes as long as all the rest of a short run. So the plain form of the
/// most frequent command is read here, and whatever is not plain is left to the parser: help, mistakes, unusual forms.
extension RunArguments {
    private static var options: [String: WritableKeyPath<RunArguments, String?>] {
        [
            "--workflow": \.workflow, "--input": \.input, "--metadata": \.metadata, "--ctx": \.ctx,
            "--run-id": \.runID, "--priority": \.priority, "--store": \.store, "--durability": \.durability,
            "--timeout": \.stay.timeout,
            "--wait": \.stay.wait, "--telemetry": \.telemetry, "--otlp": \.stay.otlp,
            "--secrets": \.stay.secrets.file, "--secrets-command": \.stay.secrets.command,
        ]
    }

    private static var flags: [String: WritableKeyPath<RunArguments, Bool>] {
        [
            "--events": \.stay.events, "--detach": \.stay.detaches, "--recover": \.recovers,
            "--cancel-on-timeout": \.stay.cancelsOnTimeout,
        ]
    }

    /// Reads `run SCRIPT --option value --option=value --flag`; nil unless every word is as expected.
    init?(quickly words: [String]) {
        guard words.first == "run" else { return nil }
        let (options, flags) = (Self.options, Self.flags)
        var allowed: [String: [String]] = [:]
        var allowsAll = false
        var logOptions: Set<String> = []
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if !word.hasPrefix("-") {
                guard script.isEmpty, !word.isEmpty else { return nil }
                script = word
                continue
            }
            if word == "-A" || word == "--allow-all" {
                allowsAll = true
                continue
            }
            if let flag = flags[word] {
                self[keyPath: flag] = true
                continue
            }
            let equals = word.firstIndex(of: "=")
            let name = equals.map { String(word[..<$0]) } ?? word
            guard
                let value = equals.map({ String(word[word.index(after: $0)...]) })
                    ?? Self.value(of: name, from: &rest), !value.isEmpty
            else { return nil }
            if let option = options[name] {
                // What is given twice is the parser's to judge.
                guard self[keyPath: option] == nil else { return nil }
                self[keyPath: option] = value
            } else if name == "--tag" {
                tags.append(value)
            } else if name == "--workers" {
                guard stay.workers == nil, let count = Int(value) else { return nil }
                stay.workers = count
            } else if CommandLineArguments.withOptionalValue.contains(name) {
                allowed[name, default: []].append(value)
            } else if name == "--log-format" {
                guard logOptions.insert(name).inserted, let format = LogFormat(rawValue: value) else { return nil }
                stay.log.format = format
            } else if name == "--log-level" {
                guard logOptions.insert(name).inserted, let level = LogThreshold(rawValue: value) else { return nil }
                stay.log.threshold = level
            } else {
                return nil
            }
        }
        if script.isEmpty { return nil }
        stay.permissions = PermissionOptions.permissions(all: allowsAll, allowed)
    }

    /// The word behind an option, where it can be taken for nothing else.
    private static func value(of option: String, from rest: inout ArraySlice<String>) -> String? {
        guard !CommandLineArguments.withOptionalValue.contains(option), let value = rest.popFirst() else { return nil }
        return value == "-" || !value.hasPrefix("-") ? value : nil
    }
}
