internal import FlatValue

/// What to tell of a union of which no branch fits.
enum UnionReport {
    /// The issues of the branch that comes nearest.
    case nearest([SchemaIssue])
    /// A key tells the branches apart, and its value is that of none.
    case discriminator(SchemaIssue)
    /// No branch is nearer than another: the value is altogether something else.
    case none

    /// Ranks the branches' refusals of the value at `place`, a JSON pointer.
    init(_ refusals: [[SchemaIssue]], at place: String) {
        let ranked = refusals.map { (rank: Self.rank($0, at: place), issues: $0) }
        guard let best = ranked.min(by: { $0.rank < $1.rank }), best.rank.kind < 2 else {
            self = .none
            return
        }
        if best.rank.kind == 1, let merged = Self.merged(refusals, at: place) {
            self = .discriminator(merged)
        } else {
            self = .nearest(best.issues)
        }
    }

    private struct Rank: Comparable {
        /// 0: the kind of value fits, 1: a key with a fixed value says another branch, 2: another kind of value.
        let kind: Int
        let count: Int
        let depth: Int

        static func < (left: Rank, right: Rank) -> Bool {
            // Fewer issues are nearer, and so are issues that lie deeper.
            (left.kind, left.count, -left.depth) < (right.kind, right.count, -right.depth)
        }
    }

    private static func rank(_ issues: [SchemaIssue], at place: String) -> Rank {
        let level = depth(place)
        var kind = issues.isEmpty ? 2 : 0
        for issue in issues {
            if issue.pointer == place {
                if [.invalidType, .invalidLiteral, .invalidEnumValue, .notAllowed].contains(issue.code) { kind = 2 }
            } else if isChoice(issue), depth(issue.pointer) == level + 1 {
                kind = max(kind, 1)
            }
        }
        return Rank(kind: kind, count: issues.count, depth: issues.map { depth($0.pointer) }.max() ?? 0)
    }

    private static func depth(_ pointer: String) -> Int { pointer.utf8.count { $0 == UInt8(ascii: "/") } }

    private static func isChoice(_ issue: SchemaIssue) -> Bool {
        issue.code == .invalidLiteral || issue.code == .invalidEnumValue
    }

    /// One issue for the key that every branch wants to be something else.
    private static func merged(_ refusals: [[SchemaIssue]], at place: String) -> SchemaIssue? {
        let choices = refusals.map { issues in
            issues.filter { isChoice($0) && depth($0.pointer) == depth(place) + 1 }
        }
        guard choices.count > 1,
            let key = choices[0].first(where: { issue in
                choices.allSatisfy { $0.contains { $0.pointer == issue.pointer } }
            })
        else { return nil }
        var expected: [String] = []
        for issue in choices.compactMap({ $0.first { $0.pointer == key.pointer } })
        where !expected.contains(issue.expected) {
            expected.append(issue.expected)
        }
        let words = joinedAlternatives(expected)
        return SchemaIssue(
            path: key.path, pointer: key.pointer, keywordLocation: key.keywordLocation,
            code: .invalidUnionDiscriminator,
            expected: words, received: key.received, message: "must be \(words) (got \(key.received))")
    }
}
