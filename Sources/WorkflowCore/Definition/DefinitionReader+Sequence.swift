internal import FlatValue

extension DefinitionReader {
    /// What the order of the nodes in one sequence needs to know about them.
    enum Sequence {
        struct Member {
            var index: Int
            var scope: Scope
            var hasID: Bool
        }

        /// Whether a `next` may lead to a node that has run: a function may, an id that stands earlier does.
        static func mayRepeat(_ items: [ValueCursor]) -> Bool {
            for (position, item) in items.enumerated() {
                guard let next = item["next"], !next.isNull else { continue }
                guard let target = next.string else { return true }
                if items[...position].contains(where: { $0["id"]?.string == target }) { return true }
            }
            return false
        }
    }

    /// Checks the ids of one sequence and says of each node what follows it.
    mutating func connect(_ members: [Sequence.Member], _ owner: Scope) {
        var places: [String: Int] = [:]
        for (position, member) in members.enumerated() where member.hasID {
            let id = details[member.index].id
            if let first = places[id] {
                let other = members[first].scope.location.map { ", first at \($0)" } ?? ""
                report(
                    member.scope, "duplicate_id",
                    "has the same id as another node of \(owner.name)\(other); ids are "
                        + "unique within one sequence", key: "id")
            } else {
                places[id] = position
            }
        }
        /// Where each member goes by itself; nil at the end, and where a function decides.
        var successors: [Int?] = members.indices.map { $0 + 1 < members.count ? $0 + 1 : nil }
        for (position, member) in members.enumerated() {
            nodes[member.index].next = position + 1 < members.count ? Int32(members[position + 1].index) : -1
            guard nodes[member.index].kind == .step, let next = value(member.scope, "next") else { continue }
            if let target = next.string {
                guard let place = places[target] else {
                    unknownTarget(target, member, members)
                    continue
                }
                nodes[member.index].next = Int32(members[place].index)
                successors[position] = place
            } else if let slot = next.int ?? next["$function"]?.int, slot > 0 {
                nodes[member.index].extra = CallbackSlot(truncatingIfNeeded: slot)
                successors[position] = nil
            } else {
                expected(member.scope, "next", "the id of a step or a function", next)
            }
        }
        reportCycles(members, successors)
    }

    private mutating func unknownTarget(_ target: String, _ member: Sequence.Member, _ members: [Sequence.Member]) {
        let ids = members.filter(\.hasID).map { details[$0.index].id }
        let others = ids.filter { $0 != details[member.index].id }
        let list = others.isEmpty ? "" : "; known here are \(others.map { "'\($0)'" }.joined(separator: ", "))"
        let hint = suggestion(for: target, in: others)
        report(
            member.scope, "unknown_target",
            "goes on to '\(target)', which is no node of the same sequence\(hint.isEmpty ? list : hint)",
            key: "next")
    }

    /// Reports every circle that the run could never leave, once each.
    private mutating func reportCycles(_ members: [Sequence.Member], _ successors: [Int?]) {
        var done = Set<Int>()
        for start in members.indices where !done.contains(start) {
            var walk: [Int] = []
            var place: Int? = start
            while let here = place, !done.contains(here), !walk.contains(here) {
                walk.append(here)
                place = successors[here]
            }
            if let again = place, let entry = walk.firstIndex(of: again) {
                let circle = walk[entry...] + [again]
                let names = circle.map { details[members[$0].index].id }.joined(separator: " → ")
                let jump = circle.dropLast().first { successors[$0] ?? .max <= $0 } ?? again
                report(
                    members[jump].scope, "cycle",
                    "closes a circle that never ends: \(names); a `next` that is a "
                        + "function may go back", key: "next")
            }
            done.formUnion(walk)
        }
    }
}
