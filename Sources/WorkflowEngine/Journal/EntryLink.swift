internal import Crypto
internal import FlatValue
internal import WorkflowCore

/// The link of an entry in the chain of its run: a SHA-256 over the link before it and all bytes of the entry.
///
/// Events or values that are changed, left out or put in between later no longer fit the links behind them
/// (``StoredRun/chain``). Whoever can write the whole store can make another chain; to find that too, keep the newest link
/// elsewhere.
package struct EntryLink: Sendable, Equatable {
    private let words: SIMD4<UInt64>

    /// How many bytes a link has.
    package static let size = 32

    /// A link as a store keeps it; nil where it has another size.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size else { return nil }
        words = bytes.loadUnaligned(as: SIMD4<UInt64>.self)
    }

    private init(_ digest: SHA256.Digest) {
        words = digest.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }

    /// The link on which a run's first entry follows.
    package static func start(of run: String) -> EntryLink {
        var text = "aikit-lua journal 1 " + run
        return text.withUTF8 { text in
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(text))
            return EntryLink(hash.finalize())
        }
    }

    /// The link of the entry that follows.
    package func next(events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer) -> EntryLink {
        var hash = SHA256()
        withBytes { hash.update(bufferPointer: $0) }
        let sizes = SIMD2(UInt64(events.count).littleEndian, UInt64(arena.count).littleEndian)
        withUnsafeBytes(of: sizes) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: events)
        hash.update(bufferPointer: arena)
        return EntryLink(hash.finalize())
    }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: words, body)
    }

    /// In hexadecimal digits.
    package var text: String {
        withBytes { BytesText.hex($0) }
    }
}

/// Where an entry of a stored run ends, and its link.
package struct StoredEntry: Sendable, Equatable {
    /// How many events and how many arena bytes the run has after the entry.
    package var sequence: Int
    package var arena: Int
    /// Nil in what was written before there were links.
    package var link: EntryLink?

    package init(sequence: Int, arena: Int, link: EntryLink?) {
        self.sequence = sequence
        self.arena = arena
        self.link = link
    }
}

/// What the links of a run say.
package struct EntryChain: Sendable, Equatable {
    package var entries = 0
    /// How many entries at the beginning have no link.
    package var unchained = 0
    /// The first entry that does not fit, from 1, and its first event, from 1.
    package var broken: (entry: Int, event: Int)?
    /// Of the newest entry; nil where nothing is chained.
    package var link: EntryLink?

    package static func == (one: EntryChain, other: EntryChain) -> Bool {
        one.entries == other.entries && one.unchained == other.unchained && one.link == other.link
            && one.broken?.entry == other.broken?.entry && one.broken?.event == other.broken?.event
    }
}

extension StoredRun {
    /// Checks the links of a run that has been read as a whole.
    package var chain: EntryChain {
        var chain = EntryChain(entries: entries.count)
        var previous = EntryLink.start(of: header.id)
        forEachEntry(of: events) { index, events, arena in
            guard chain.broken == nil else { return }
            guard let link = entries[index].link else {
                if chain.link == nil { chain.unchained += 1 } else { chain.broken = place(of: index) }
                return
            }
            previous = previous.next(events: events, arena: arena)
            if link != previous { chain.broken = place(of: index) }
            chain.link = link
        }
        return chain
    }

    /// The links of all entries with other events in the place of theirs, one for one.
    package func links(with events: [UInt8]) -> [EntryLink] {
        var links: [EntryLink] = []
        forEachEntry(of: events) { _, events, arena in
            links.append((links.last ?? .start(of: header.id)).next(events: events, arena: arena))
        }
        return links
    }

    private func place(of index: Int) -> (entry: Int, event: Int) {
        (index + 1, (index > 0 ? entries[index - 1].sequence : 0) + 1)
    }

    private func forEachEntry(
        of events: [UInt8], _ body: (Int, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        let stride = MemoryLayout<Event>.stride
        events.withUnsafeBytes { events in
            arena.withUnsafeBytes { arena in
                var start = (events: 0, arena: 0)
                for (index, entry) in entries.enumerated() {
                    let end = (events: entry.sequence * stride, arena: entry.arena)
                    guard start.events <= end.events, end.events <= events.count, start.arena <= end.arena,
                        end.arena <= arena.count
                    else { return }
                    body(
                        index, UnsafeRawBufferPointer(rebasing: events[start.events..<end.events]),
                        UnsafeRawBufferPointer(rebasing: arena[start.arena..<end.arena]))
                    start = end
                }
            }
        }
    }
}
