package import FlatValue
internal import Synchronization
internal import WorkflowCore

/// Replaces the values of secrets by `[secret NAME]` in whatever leaves the host: answers, and so events, journal, logs,
/// errors and spans, which are all made of answers.
///
/// A secret is known from when it was read or first filled in, and found in each form of ``SecretTexts``. Any thread.
package final class Redactor: Sendable {
    /// Shorter values, in bytes, are no secrets: replacing them would take ordinary text apart.
    package static let shortestValue = 4

    private struct Known {
        var values: Set<[UInt8]> = []
        var texts = SecretTexts(tellingBytes: Redactor.shortestValue)
    }

    private let isUsed = Atomic<Bool>(false)
    private let known = Mutex(Known())

    package init() {}

    /// Adds a value to be replaced from now on. No-op for one that is known or shorter than ``shortestValue``.
    package func add(_ value: String, name: String) {
        guard value.utf8.count >= Self.shortestValue else { return }
        known.withLock { known in
            if known.values.insert(Array(value.utf8)).inserted { known.texts.add(value, mark: "[secret \(name)]") }
        }
        isUsed.store(true, ordering: .releasing)
    }

    /// Nil as long as there are none.
    private var texts: SecretTexts? { isUsed.load(ordering: .acquiring) ? known.withLock { $0.texts } : nil }

    package func redact(_ text: String) -> String { texts?.takenOut(of: text, mayBeCut: false) ?? text }

    package func redact(_ bytes: [UInt8]) -> [UInt8] { texts?.takenOut(of: bytes, mayBeCut: false) ?? bytes }

    /// The value with every text and key in it redacted.
    package func redact(_ value: Value) -> Value {
        guard let texts else { return value }
        // Texts lie in the buffer as they are, so most values need one look.
        guard value.withBytes({ texts.mayStand(in: $0.assumingMemoryBound(to: UInt8.self)) }) else { return value }
        return Value { arena in value.withCursor { Self.write($0, texts, mayBeCut: false, into: &arena) } }
    }

    /// The same for an error object, whose texts may have been cut within a secret: what its beginning ends them with is taken out.
    package func redact(error: Value) -> Value {
        guard let texts else { return error }
        return Value { arena in error.withCursor { Self.write($0, texts, mayBeCut: true, into: &arena) } }
    }

    /// How many of the last bytes may be the beginning of a secret whose rest is still to come; a whole secret that such a
    /// beginning overlaps belongs to them.
    func openEnd(of bytes: [UInt8]) -> Int { texts?.openEnd(of: bytes) ?? 0 }

    private static func write(
        _ cursor: ValueCursor, _ texts: SecretTexts, mayBeCut: Bool, into arena: inout ByteArena
    ) {
        if cursor.isObject {
            let object = arena.beginObject()
            var count = 0
            for entry in cursor.entries {
                arena.writeKey(texts.takenOut(of: entry.key, mayBeCut: false))
                write(entry.value, texts, mayBeCut: mayBeCut, into: &arena)
                count += 1
            }
            arena.end(object, count: count)
        } else if cursor.isArray {
            let array = arena.beginArray()
            var count = 0
            for item in cursor.items {
                write(item, texts, mayBeCut: mayBeCut, into: &arena)
                count += 1
            }
            arena.end(array, count: count)
        } else if let bytes = cursor.stringBytes,
            let changed = texts.takenOut(of: bytes.assumingMemoryBound(to: UInt8.self), mayBeCut: mayBeCut)
        {
            changed.withUnsafeBytes { arena.writeString($0) }
        } else {
            arena.write(cursor)
        }
    }
}
