internal import FlatValue
internal import WorkflowCore

/// Places the parts of a plan: a sequence from top to bottom, a construct as a container with its head at the top and its
/// bodies beside each other below it.
///
/// The tree is laid out from the leaves up. Each part becomes a block that knows where lines enter and leave it, so no two
/// boxes overlap.
struct GraphLayout {
    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    /// A node; of a construct, the head of its container.
    struct Box {
        var node: NodeIndex
        var origin: Point
        var width: Double
        var height: Double
        /// How many nodes its bodies have that are not drawn; 0 where they are, or where it has none.
        var hidden = 0
    }

    /// The container of a construct, from its head to the end of its bodies.
    struct Frame {
        var node: NodeIndex
        var origin: Point
        var width: Double
        var height: Double
    }

    /// A line with corners.
    struct Line {
        /// What it leads from and to; nil for the start, the end, and where a run leaves no trace.
        var from: NodeIndex?
        var to: NodeIndex?
        var points: [Point]
        var label: String?
        var labelPoint: Point?
        /// A function chooses where it leads.
        var isDynamic = false
    }

    /// A round mark.
    struct Mark {
        enum Kind { case start, end, join, choice }
        var kind: Kind
        var center: Point
        var label: String?
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
        var marks: [Mark] = []

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
                line.labelPoint = line.labelPoint.map(moved)
                lines.append(line)
            }
            for var mark in other.marks {
                mark.center = moved(mark.center)
                marks.append(mark)
            }
        }

        mutating func connect(
            _ from: NodeIndex?, _ to: NodeIndex?, _ points: [Point], label: String? = nil, at labelPoint: Point? = nil,
            isDynamic: Bool = false
        ) {
            lines.append(
                Line(
                    from: from, to: to, points: points, label: label, labelPoint: labelPoint, isDynamic: isDynamic))
        }
    }

    static let gap = 30.0
    static let spread = 28.0
    static let padding = 18.0
    static let boxHeight = 46.0
    static let markRadius = 7.0
    /// About how wide a letter of a note is.
    static let letter = 6.4

    let plan: Plan
    /// Constructs that are drawn without their bodies.
    var folded: Set<NodeIndex> = []

    /// The whole picture, from the start mark to the end mark.
    func layout() -> Block {
        let body = plan.bodies(of: 0).first
        let inner = body.map(sequence) ?? Block(width: 2 * Self.markRadius, height: 0, spine: Self.markRadius)
        let radius = Self.markRadius
        let top = 2 * radius + Self.gap
        var result = Block(width: inner.width, height: top + inner.height + Self.gap + 2 * radius, spine: inner.spine)
        result.add(inner, x: 0, y: top)
        result.marks.append(Mark(kind: .start, center: Point(x: inner.spine, y: radius)))
        result.marks.append(Mark(kind: .end, center: Point(x: inner.spine, y: result.height - radius)))
        result.connect(
            nil, body?.first, [Point(x: inner.spine, y: 2 * radius), Point(x: inner.spine, y: top)])
        if let last = body?.members.last, plan.nodes[Int(last)].next < 0 {
            result.connect(
                last, nil,
                [
                    Point(x: inner.spine, y: top + inner.height),
                    Point(x: inner.spine, y: result.height - 2 * radius),
                ])
        }
        return result
    }

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
        for (position, member) in body.members.enumerated() {
            let node = plan.nodes[Int(member)]
            let bottom = tops[position] + blocks[position].height
            if node.kind == .step, node.extra != 0 { addChoice(member, blocks[position], tops[position], to: &result) }
            guard node.next >= 0, let target = body.members.firstIndex(of: node.next) else { continue }
            if target == position + 1 {
                result.connect(
                    member, node.next, [Point(x: left, y: bottom), Point(x: left, y: tops[target])])
            } else {
                addJump(from: member, bottom, to: node.next, tops[target], blocks[target], in: &result)
            }
        }
        return result
    }

    /// Around the other nodes, to a target of `next`; each jump has a lane of its own at the right.
    private func addJump(
        from member: NodeIndex, _ bottom: Double, to next: NodeIndex, _ top: Double, _ target: Block,
        in result: inout Block
    ) {
        let spine = result.spine
        let lane = result.width + Self.spread / 2
        result.width = lane + Self.spread / 2
        let side = spine + target.width - target.spine
        // Above the line to the mark of a target that chooses what follows it.
        let chooses = plan.nodes[Int(next)].kind == .step && plan.nodes[Int(next)].extra != 0
        let middle = top + Self.boxHeight * (chooses ? 0.25 : 0.5)
        let turn = bottom + Self.gap / 3
        result.connect(
            member, next,
            [
                Point(x: spine, y: bottom), Point(x: spine, y: turn), Point(x: lane, y: turn),
                Point(x: lane, y: middle), Point(x: side, y: middle),
            ])
        result.height = max(result.height, turn)
    }

    /// A function chooses what follows: an edge that ends in a mark, as any node of the sequence may be next.
    private func addChoice(_ member: NodeIndex, _ block: Block, _ top: Double, to result: inout Block) {
        let label = "next()"
        let right = result.spine + block.width - block.spine
        let middle = top + Self.boxHeight / 2
        let center = Point(x: right + Self.spread, y: middle)
        result.connect(
            member, nil, [Point(x: right, y: middle), Point(x: center.x - Self.markRadius, y: middle)], isDynamic: true)
        result.marks.append(Mark(kind: .choice, center: center, label: label))
        let end = center.x + Self.markRadius + 6 + Double(label.count) * Self.letter + 8
        result.width = max(result.width, end)
    }

    // MARK: Nodes

    private func block(_ node: NodeIndex) -> Block {
        let caption = (plan.caption(node)?.count ?? 0) + (folded.contains(node) ? 12 : 0)
        let longest = max(plan.details[Int(node)].id.count, caption)
        let width = min(max(Double(longest) * 7.6 + 32, 96), 320)
        let bodies = plan.shownBodies(of: node)
        if bodies.isEmpty || folded.contains(node) {
            let box = Box(
                node: node, origin: Point(x: 0, y: 0), width: width, height: Self.boxHeight, hidden: inner(bodies))
            return Block(width: width, height: Self.boxHeight, spine: width / 2, boxes: [box])
        }
        var parts = bodies.map { body in
            Part(block: sequence(body), label: label(body, of: node), first: body.first, last: body.members.last)
        }
        let kind = plan.nodes[Int(node)].kind
        if kind == .branch, !plan.nodes[Int(node)].hasOtherwise {
            // One more way: right through.
            parts.append(Part(block: Block(width: 40, height: 0, spine: 20), label: "none"))
        }
        return container(node, headWidth: width, parts.map(widened), isJoined: kind == .branch || kind == .parallel)
    }

    /// How many nodes lie in bodies, those in theirs included.
    private func inner(_ bodies: [Plan.Body]) -> Int {
        bodies.reduce(0) { sum, body in
            sum + body.members.reduce(0) { $0 + 1 + inner(Array(plan.bodies(of: $1))) }
        }
    }

    /// A body below the head of its construct.
    private struct Part {
        var block: Block
        var label: String?
        var first: NodeIndex?
        var last: NodeIndex?
    }

    private func label(_ body: Plan.Body, of node: NodeIndex) -> String? {
        switch plan.nodes[Int(node)].kind {
        case .parallel, .branch: body.name
        case .loop: "while it holds"
        case .foreach: "each item"
        case .workflow, .step, .human, .delay, .waitFor: nil
        }
    }

    /// The part with room for its label, which stands at the right of its spine.
    private func widened(_ part: Part) -> Part {
        var part = part
        let needed = part.block.spine + 8 + Double(part.label?.count ?? 0) * Self.letter
        part.block.width = max(part.block.width, needed)
        return part
    }

    private func container(_ node: NodeIndex, headWidth: Double, _ parts: [Part], isJoined: Bool) -> Block {
        let isLoop = plan.nodes[Int(node)].kind == .loop
        // A loop has room for its way back at the left.
        let lane = isLoop ? Self.spread : 0
        let partsWidth = parts.reduce(0) { $0 + $1.block.width } + Self.spread * Double(parts.count - 1) + lane
        let inner = parts.count == 1 ? parts[0].block.spine + lane : partsWidth / 2
        let spine = max(inner + Self.padding, headWidth / 2)
        let width = spine + max(partsWidth - inner + Self.padding, headWidth / 2)
        let top = Self.boxHeight + Self.gap + (parts.contains { $0.label != nil } ? 10 : 0)
        let bottom = top + (parts.map(\.block.height).max() ?? 0)
        let join = bottom + Self.gap
        let height = isJoined ? join + Self.markRadius + Self.padding : bottom + Self.padding + (isLoop ? 8 : 0)
        var result = Block(width: width, height: height, spine: spine)
        result.frames = [Frame(node: node, origin: Point(x: 0, y: 0), width: width, height: height)]
        result.boxes = [Box(node: node, origin: Point(x: 0, y: 0), width: width, height: Self.boxHeight)]
        if isJoined { result.marks.append(Mark(kind: .join, center: Point(x: spine, y: join))) }
        var x = spine - inner + lane
        let turn = Self.boxHeight + Self.gap / 2
        for part in parts {
            let way = x + part.block.spine
            result.add(part.block, x: x, y: top)
            let ends = part.first == nil ? (isJoined ? join : bottom) : top
            if part.first != nil || isJoined {
                var points = [
                    Point(x: spine, y: Self.boxHeight), Point(x: spine, y: turn), Point(x: way, y: turn),
                    Point(x: way, y: ends),
                ]
                if part.first == nil {
                    points.append(
                        Point(x: way < spine ? spine - Self.markRadius : spine + Self.markRadius, y: join))
                    if way == spine { points[4] = Point(x: spine, y: join - Self.markRadius) }
                }
                result.connect(
                    part.first == nil ? nil : node, part.first, points, label: part.label,
                    at: Point(x: way + 6, y: top - 6))
            }
            // A body whose last node jumps back has no end of its own.
            let last = part.last.flatMap { plan.nodes[Int($0)].next < 0 ? $0 : nil }
            if isJoined, let last {
                let low = top + part.block.height
                let end =
                    way == spine
                    ? [Point(x: way, y: low), Point(x: way, y: join - Self.markRadius)]
                    : [
                        Point(x: way, y: low), Point(x: way, y: join),
                        Point(x: way < spine ? spine - Self.markRadius : spine + Self.markRadius, y: join),
                    ]
                result.connect(last, node, end)
            }
            if isLoop, let last {
                let low = top + part.block.height
                let back = Self.padding
                result.connect(
                    last, part.first,
                    [
                        Point(x: way, y: low), Point(x: way, y: low + 12), Point(x: back, y: low + 12),
                        Point(x: back, y: top - 10), Point(x: way, y: top - 10), Point(x: way, y: top),
                    ], label: "again", at: Point(x: back + 5, y: low + 8))
            }
            x += part.block.width + Self.spread
        }
        return result
    }
}
