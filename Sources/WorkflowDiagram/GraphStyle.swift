/// What a picture says by CSS: motion, and colours of the dark for viewers that want them.
///
/// Without CSS its attributes count.
enum GraphStyle {
    static let text = """
        <style>
        .aikit-graph .is-running > .box { stroke-dasharray: 6 4; animation: aikit-flow 0.8s linear infinite; }
        @keyframes aikit-flow { to { stroke-dashoffset: -10; } }
        @media (prefers-reduced-motion: reduce) { .aikit-graph .is-running > .box { animation: none; } }
        @media (prefers-color-scheme: dark) {
        .aikit-graph .ground { fill: #0e1217; }
        .aikit-graph text { fill: #e6eaf0; }
        .aikit-graph .note { fill: #9ba7b6; }
        .aikit-graph .frame { fill: #94a3b8; stroke: #6b7684; }
        .aikit-graph .edge { stroke: #8a94a3; }
        .aikit-graph .head, .aikit-graph .point-end { fill: #8a94a3; }
        .aikit-graph .point { fill: #161b22; stroke: #8a94a3; }
        .aikit-graph .box, .aikit-graph .node-dot, .aikit-graph .node-pill { fill: #161b22; stroke: #8a94a3; }
        \(dark)
        }
        </style>
        """

    private static var dark: String {
        let colours = [
            ("running", "#16294d", "#8fb4ff"), ("waiting", "#372809", "#eebc63"), ("success", "#0f2f1d", "#6fd398"),
            ("failed", "#401619", "#ff9a9a"), ("cancelled", "#262c34", "#aab3bf"),
        ]
        return colours.map { name, fill, line in
            ".aikit-graph .is-\(name) > .box { fill: \(fill); stroke: \(line); } "
                + ".aikit-graph .is-\(name) .node-sign, .aikit-graph .is-\(name) .node-dot, "
                + ".aikit-graph .is-\(name) .node-pill { stroke: \(line); } "
                + ".aikit-graph .is-\(name) .node-count { fill: \(line); }"
        }.joined(separator: "\n")
    }
}
