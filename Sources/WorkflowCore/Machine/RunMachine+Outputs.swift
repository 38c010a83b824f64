package import FlatValue

extension RunMachine {
    /// What a construct gives when no callback shapes it.
    func defaultOutput(_ frame: Int32, _ log: inout RunLog) -> Slice {
        let index = Int(frame)
        let nodeIndex = Int(frames[index].node)
        let node = plan.nodes[nodeIndex]
        switch node.kind {
        case .foreach: return results(of: frame, &log)
        case .parallel:
            let results = tables[frames[index].table]
            return node.isList ? list(results, &log) : named(results, node, &log)
        case .workflow, .step, .branch, .loop, .human, .delay, .waitFor: return frames[index].value
        }
    }

    /// `{ last_result, all_results }` of a loop; a loop that never ran has a null for its last result.
    func loopOutput(_ frame: Int32, _ log: inout RunLog) -> Slice {
        let index = Int(frame)
        let results = tables[frames[index].table]
        let last = frames[index].opened == 0 ? Slice.none : frames[index].value
        return log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("last_result")
            if last.isNone { arena.writeNull() } else { arena.append(last) }
            arena.writeKey("all_results")
            arena.writeList(results)
            arena.end(object, count: 2)
        }
    }

    /// The results of a construct's bodies, as its concluding callback gets them: a list, an object by branch, or of a foreach
    /// that goes on after errors `{ results, errors }`, with null as the result of an item that failed.
    package func results(of frame: Int32, _ log: inout RunLog) -> Slice {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        if node.kind == .parallel, !node.isList { return named(tables[frames[index].table], node, &log) }
        if node.kind == .foreach, node.waitsForAll { return outcomes(of: frame, &log) }
        return frames[index].table >= 0 ? list(tables[frames[index].table], &log) : frames[index].value
    }

    /// The bytes that the output of a construct takes, or that its results take in one value.
    package func resultSize(of frame: Int32) -> Int {
        let state = frames[Int(frame)]
        guard state.table >= 0 else { return Int(state.value.length) }
        let node = plan.nodes[Int(state.node)]
        let names = node.kind == .parallel ? Int(node.bodyCount) * 64 : 64
        return tables[state.table].reduce(Int(state.value.length) + names) { $0 + Int($1.length) }
    }

    /// `{ results, errors }`: the errors in the order of their items, each with the item's `index` from 1.
    private func outcomes(of frame: Int32, _ log: inout RunLog) -> Slice {
        let table = tables[frames[Int(frame)].table]
        let total = Int(frames[Int(frame)].total)
        let failed = table.dropFirst(total).map { Int($0.offset) }.sorted()
        return log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("results")
            let results = arena.beginArray()
            var next = failed[...]
            for ordinal in 1..<total + 1 {
                if next.first == ordinal {
                    next.removeFirst()
                    arena.writeNull()
                } else {
                    arena.append(table[ordinal - 1])
                }
            }
            arena.end(results, count: total)
            arena.writeKey("errors")
            let errors = arena.beginArray()
            for ordinal in failed {
                let error = Value(ValueCursor(arena[table[ordinal - 1]]))
                let entries = (error.entries ?? []).filter { $0.key != "traceback" && $0.key != "index" }
                arena.write(Value(entries: [("index", Value(Int64(ordinal)))] + entries.map { ($0.key, $0.value) }))
            }
            arena.end(errors, count: failed.count)
            arena.end(object, count: 2)
        }
    }

    private func list(_ results: UnsafeBufferPointer<Slice>, _ log: inout RunLog) -> Slice {
        log.arena.writing { $0.writeList(results) }
    }

    private func named(_ results: UnsafeBufferPointer<Slice>, _ node: PlanNode, _ log: inout RunLog) -> Slice {
        log.arena.writing { arena in
            let object = arena.beginObject()
            for (offset, result) in results.enumerated() {
                arena.writeKey(plan.bodies[Int(node.firstBody) + offset].name)
                arena.append(result)
            }
            arena.end(object, count: results.count)
        }
    }

    /// The error of a construct, made from that of its body, or of all its bodies.
    func bodyError(_ frame: Int32, _ log: inout RunLog) -> Slice {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        // The run's own error is that of its step, word for word: it names the step beside the message.
        if frames[index].node == 0 { return frames[index].failure }
        guard node.kind == .parallel, node.waitsForAll else {
            return ErrorObject.prefixed(frames[index].failure, in: &log.arena)
        }
        let table = tables[frames[index].table]
        let failed = table.dropFirst(Int(node.bodyCount)).map { Int($0.offset) }.sorted()
        let branches = failed.map { ordinal in
            (plan.bodies[Int(node.firstBody) + ordinal - 1].name, table[ordinal - 1])
        }
        return ErrorObject.combined(branches, of: Int(node.bodyCount), step: path(of: frame), in: &log.arena)
    }
}

extension ByteArena {
    /// Appends what `body` writes and says where it lies.
    @inline(__always)
    package mutating func writing(_ body: (inout ByteArena) -> Void) -> Slice {
        let start = count
        body(&self)
        return Slice(from: start, to: count)
    }

    mutating func writeList(_ slices: UnsafeBufferPointer<Slice>) {
        let size = slices.reduce(9) { $0 + Int($1.length) }
        reserve(size)
        let array = beginArray()
        for slice in slices { append(slice) }
        end(array, count: slices.count)
    }
}
