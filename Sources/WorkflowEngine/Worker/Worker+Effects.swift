internal import FlatValue
internal import WorkflowCore

/// What a callback did to the run while it ran: events, metadata, ctx, store, log.
extension Worker {
    private enum Kind: UInt8 { case emit = 1, metadata, ctx, store, log, trace, tags, restart }

    /// Tells the machine of the effects in the order in which the script made them.
    ///
    /// A record is: u8 kind, u32 name length, name, u32 value length, flat value (length 0: no value). Metadata and ctx that
    /// the same call replaces before an event shows them are left out.
    ///
    /// - Returns: false when the run has no room for them; none has been taken then.
    @discardableResult
    func takeEffects(_ run: Run, _ frame: Int32) -> Bool {
        let bytes = run.executor.effects.bytes
        guard !bytes.isEmpty else { return true }
        defer { run.executor.dropEffects() }
        let (shown, superseded, size) = shownChanges(bytes)
        guard run.log.hasRoom(for: size) else { return false }
        var position = 0
        while position < bytes.count {
            let start = position
            let kind = Kind(rawValue: bytes[position])
            let name = chunk(bytes, &position, after: 1)
            let value = chunk(bytes, &position, after: 0)
            switch kind {
            case .emit:
                let event = pair(run, "name", name, "payload", value)
                run.decide(.emitted(frame: frame, event: event), at: now)
            case .metadata where shown.contains(start) && !isSame(value, run.machine.metadata, run):
                let slice = run.log.arena.writing { $0.append(value) }
                run.decide(.metadataSet(frame: frame, value: slice), at: now)
            case .ctx where shown.contains(start) && !isSame(value, run.machine.ctx, run):
                let slice = run.log.arena.writing { $0.append(value) }
                run.decide(.ctxSet(frame: frame, value: slice), at: now)
            case .tags where shown.contains(start):
                // The script's side has checked them already.
                guard let tags = try? RunTags(ValueCursor(value)) else { break }
                let slice = run.log.arena.writing { $0.write(tags.value) }
                if isSame(run.log.arena[slice], run.machine.tags, run) { break }
                run.decide(.tagsSet(frame: frame, value: slice), at: now)
            case .metadata, .ctx, .tags: break
            case .store:
                let entry = pair(run, "key", name, "value", value)
                run.decide(.storeSet(frame: frame, entry: entry), at: now)
            case .log: keepLog(run, frame, level: name, value)
            case .trace:
                if superseded.contains(start) { break }
                let record = run.log.arena.writing { $0.append(value) }
                run.decide(.traced(frame: frame, record: record), at: now)
            case .restart:
                guard !run.machine.isClosing, run.machine.frames.indices.contains(Int(frame)),
                    run.plan.nodes[Int(run.machine.frames[Int(frame)].node)].kind == .step
                else { break }
                _ = restart(run, frame, with: value.isEmpty ? .null : Value(ValueCursor(value)))
            case nil: return true
            }
        }
        return true
    }

    /// Where the changes of metadata and ctx lie that an event or the end of the call finds in force, where the beginnings of spans
    /// lie that end here, and how many bytes all that is recorded takes, about.
    private func shownChanges(
        _ bytes: UnsafeRawBufferPointer
    ) -> (shown: Set<Int>, superseded: Set<Int>, size: Int) {
        var shown: Set<Int> = []
        var superseded: Set<Int> = []
        // By their numbers, with their places and sizes.
        var begun: [Int64: (start: Int, size: Int)] = [:]
        var size = 0
        var metadata: Int?
        var ctx: Int?
        var tags: Int?
        var (metadataSize, ctxSize) = (0, 0)
        var position = 0
        while position < bytes.count {
            let start = position
            let kind = Kind(rawValue: bytes[position])
            _ = chunk(bytes, &position, after: 1)
            let value = chunk(bytes, &position, after: 0)
            switch kind {
            // What a later change replaces takes nothing.
            case .metadata: (metadata, metadataSize) = (start, value.count)
            case .ctx: (ctx, ctxSize) = (start, value.count)
            case .tags:
                tags = start
                size += 2 * value.count + 64
            case .emit:
                size += position - start + 64 + metadataSize + ctxSize
                (metadataSize, ctxSize) = (0, 0)
                if let metadata { shown.insert(metadata) }
                if let ctx { shown.insert(ctx) }
                (metadata, ctx) = (nil, nil)
            case .trace:
                size += position - start + 64
                guard !value.isEmpty, let span = ValueCursor(value)["span"], let index = span["index"]?.int else {
                    break
                }
                if span["end"] == nil {
                    begun[index] = (start, position - start + 64)
                } else if let beginning = begun.removeValue(forKey: index) {
                    superseded.insert(beginning.start)
                    size -= beginning.size
                }
            case .store, .log, .restart: size += position - start + 64
            case nil: break
            }
        }
        if let metadata { shown.insert(metadata) }
        if let ctx { shown.insert(ctx) }
        if let tags { shown.insert(tags) }
        return (shown, superseded, size + metadataSize + ctxSize)
    }

    private func isSame(_ value: UnsafeRawBufferPointer, _ current: Slice, _ run: Run) -> Bool {
        !current.isNone && Int(current.length) == value.count && run.log.arena[current].elementsEqual(value)
    }

    private func chunk(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, after skipped: Int)
        -> UnsafeRawBufferPointer
    {
        position += skipped
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
        position += 4
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    private func pair(
        _ run: Run, _ nameKey: String, _ name: UnsafeRawBufferPointer, _ valueKey: String,
        _ value: UnsafeRawBufferPointer
    ) -> Slice {
        run.log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey(nameKey)
            arena.writeString(name)
            if !value.isEmpty {
                arena.writeKey(valueKey)
                arena.append(value)
            }
            arena.end(object, count: value.isEmpty ? 1 : 2)
        }
    }

    /// Records what a script logged, `{ message, fields?, time }` with the time in milliseconds since 1970, and shows it.
    private func keepLog(
        _ run: Run, _ frame: Int32, level: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) {
        guard !value.isEmpty else { return }
        let given = ValueCursor(value)
        guard let message = given["message"] else { return }
        let fields = given["fields"]
        let record = run.log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("level")
            arena.writeString(level)
            arena.writeKey("message")
            arena.write(message)
            if let fields {
                arena.writeKey("fields")
                arena.write(fields)
            }
            arena.end(object, count: fields == nil ? 2 : 3)
        }
        // The call may have taken long since; no event is older than the one before it or younger than now.
        let earliest = run.log.count > 0 ? run.log[run.log.count - 1].time : now
        let (said, isFar) = (given["time"]?.int ?? now / 1000).multipliedReportingOverflow(by: 1000)
        let time = isFar ? now : max(min(said, now), min(earliest, now))
        run.decide(.logged(frame: frame, record: record), at: time)
        log(
            LogRecord(
                of: run, frame: frame, time: time,
                level: LogRecord.Level(rawValue: String(decoding: level, as: UTF8.self)) ?? .info,
                message: message.string ?? "", fields: fields.map { Value($0) }))
    }
}
