/// What the keys of a dev session mean.
enum DevKey: Equatable {
    case runAgain, editInput, cancel, graph, quit, help

    init?(_ key: Key) {
        switch key {
        case .character("r"), .character("R"), .enter: self = .runAgain
        case .character("i"), .character("I"): self = .editInput
        case .character("c"), .character("C"): self = .cancel
        case .character("g"), .character("G"): self = .graph
        case .character("q"), .character("Q"), .control("d"): self = .quit
        case .character("?"), .character("h"), .character("H"): self = .help
        default: return nil
        }
    }
}
