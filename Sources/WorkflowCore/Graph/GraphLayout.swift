/// Places the boxes of a plan: a sequence from top to bottom, the bodies of a node beside each other below it.
///
/// The tree is laid out from the leaves up. Each part becomes a block that knows where lines enter and leave it, so no two
/// boxes overlap.
struct GraphLayout {
    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    struct Box {
        var node: NodeIndex
        var origin: Point
        var width: Double
        var height: Double
    }

    /// A frame around the body of a construct.
    struct Frame {
        var label: String
        var origin: Point
        var width: Double
        var height: Double
    }

    /// A line with corners.
    struct Line {
        var points: [Point]
        var label: String?
        var hasArrow = true
    }

    /// A part of the picture, at its own origin.
    struct Block {
        var width: Double
        var height: Double
        /// Where the line from above enters and the line to below leaves, from the left.
        var spine: Double
        var boxes: [Box] = []
        var frames: [Frame] = []
        var lines: [Line] = []

        mutating func add(_ other: Block, x: Double, y: Double) {
            func moved(_ point: Point) -> Point { Point(x: point.x + x, y: point.y + y) }
            for var box in other.boxes {
                box.origin = moved(box.origin)
                boxes.append(box)
            }
            for var frame in other.frames {
                frame.origin = moved(frame.origin)
                frames.append(frame)
            }
            for var line in other.lines {
                line.points = line.points.map(moved)
                lines.append(line)
            }
        }

        mutating func connect(_ points: [Point], label: String? = nil, hasArrow: Bool = true) {
            lines.append(Line(points: points, label: label, hasArrow: hasArrow))
        }
    }

    static let gap = 34.0
    static let spread = 28.0
    static let padding = 16.0
    static let boxHeight = 46.0

    let plan: Plan

    func layout() -> Block { plan.bodies(of: 0).first.map(sequence) ?? Block(width: 0, height: 0, spine: 0) }

    // MARK: Sequences

    private func sequence(_ body: Plan.Body) -> Block {
        let blocks = body.members.map(block)
        let left = blocks.map(\.spine).max() ?? 0
        let right = blocks.map { $0.width - $0.spine }.max() ?? 0
        var result = Block(width: left + right, height: 0, spine: left)
        var tops: [Double] = []
        for (index, block) in blocks.enumerated() {
            let top = result.height + (index > 0 ? Self.gap : 0)
            tops.append(top)
            result.add(block, x: left - block.spine, y: top)
            result.height = top + block.height
        }
        addArrows(body, blocks, tops, to: &result)
        return result
    }

    /// Straight down to the neighbour, around the others to a target of `next`.
    private func addArrows(_ body: Plan.Body, _ blocks: [Block], _ tops: [Double], to result: inout Block) {
        let spine = result.spine
        for (position, member) in body.members.enumerated() {
            let next = plan.nodes[Int(member)].next
            guard next >= 0, let target = body.members.firstIndex(of: next) else { continue }
            let bottom = tops[position] + blocks[position].height
            if target == position + 1 {
                result.connect([Point(x: spine, y: bottom), Point(x: spine, y: tops[target])])
                continue
            }
            let lane = result.width + Self.spread / 2
            result.width = lane + Self.spread / 2
            let side = spine + (blocks[target].boxes.first { $0.node == next }?.width ?? 0) / 2
            let middle = tops[target] + Self.boxHeight / 2
            result.connect([
                Point(x: spine, y: bottom), Point(x: spine, y: bottom + Self.gap / 3),
                Point(x: lane, y: bottom + Self.gap / 3),
                Point(x: lane, y: middle), Point(x: side, y: middle),
            ])
        }
    }

    // MARK: Nodes

    private func block(_ node: NodeIndex) -> Block {
        let longest = max(plan.details[Int(node)].id.count, plan.caption(node)?.count ?? 0)
        let width = min(max(Double(longest) * 7.6 + 32, 96), 320)
        let bodies = plan.bodies(of: node)
        if bodies.isEmpty {
            let box = Box(node: node, origin: Point(x: 0, y: 0), width: width, height: Self.boxHeight)
            return Block(width: width, height: Self.boxHeight, spine: width / 2, boxes: [box])
        }
        if plan.nodes[Int(node)].kind != .branch {
            let parts = bodies.map { framed(sequence($0), label: frameLabel($0, of: node)) }
            return fan(node, boxWidth: width, parts, labels: [])
        }
        var parts = bodies.map(sequence)
        var labels = bodies.map(\.name)
        if !plan.nodes[Int(node)].hasOtherwise {
            // One more way: right through.
            parts.append(Block(width: 40, height: 0, spine: 20))
            labels.append("none")
        }
        return fan(node, boxWidth: width, parts, labels: labels)
    }

    private func frameLabel(_ body: Plan.Body, of node: NodeIndex) -> String {
        switch plan.nodes[Int(node)].kind {
        case .parallel: body.name
        case .loop: "while it holds"
        case .foreach: "each item"
        case .workflow, .branch, .step, .human, .delay, .waitFor: ""
        }
    }

    private func framed(_ inner: Block, label: String) -> Block {
        let top = Self.padding + (label.isEmpty ? 0 : 14)
        let width = max(inner.width + 2 * Self.padding, Double(label.count) * 7 + 24)
        let shift = (width - inner.width) / 2
        var block = Block(width: width, height: inner.height + top + Self.padding, spine: shift + inner.spine)
        block.frames = [Frame(label: label, origin: Point(x: 0, y: 0), width: width, height: block.height)]
        block.add(inner, x: shift, y: top)
        return block
    }

    /// A box with parts side by side below it, and lines down to them and together again.
    private func fan(_ node: NodeIndex, boxWidth: Double, _ parts: [Block], labels: [String]) -> Block {
        let joins = parts.count > 1
        let partsWidth = parts.reduce(0) { $0 + $1.width } + Self.spread * Double(parts.count - 1)
        let inner = parts.count == 1 ? parts[0].spine : partsWidth / 2
        let spine = max(inner, boxWidth / 2)
        let top = Self.boxHeight + Self.gap + (labels.isEmpty ? 0 : 12)
        let bottom = top + (parts.map(\.height).max() ?? 0)
        var block = Block(
            width: spine + max(partsWidth - inner, boxWidth / 2), height: bottom + (joins ? Self.gap : 0), spine: spine)
        block.boxes = [
            Box(node: node, origin: Point(x: spine - boxWidth / 2, y: 0), width: boxWidth, height: Self.boxHeight)
        ]
        var x = spine - inner
        let turn = Self.boxHeight + Self.gap / 2
        for (index, part) in parts.enumerated() {
            block.add(part, x: x, y: top)
            let way = x + part.spine
            block.connect(
                [
                    Point(x: spine, y: Self.boxHeight), Point(x: spine, y: turn), Point(x: way, y: turn),
                    Point(x: way, y: top),
                ], label: labels.isEmpty ? nil : labels[index], hasArrow: part.height > 0)
            if joins {
                let join = block.height - Self.gap / 2
                block.connect(
                    [
                        Point(x: way, y: top + part.height), Point(x: way, y: join), Point(x: spine, y: join),
                        Point(x: spine, y: block.height),
                    ], hasArrow: false)
            }
            x += part.width + Self.spread
        }
        return block
    }
}
