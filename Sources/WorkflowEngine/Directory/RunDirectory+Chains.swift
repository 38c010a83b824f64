internal import WorkflowCore

/// Runs that end in favour of others.
extension RunDirectory {
    /// The run of a chain that has come furthest, from one of its runs on; nil where the store has none of them.
    ///
    /// A chain of which the run has been removed is found by its run that is not over.
    package func newest(of id: String) async throws -> RunHeader? {
        guard var header = try await store.header(of: id) else { return try await underWay(ofChain: id) }
        // The next one may end as well before it is looked at.
        while header.status == .success, let next = try await newest(after: header.id),
            let following = try await store.header(of: next)
        {
            header = following
        }
        return header
    }

    private func underWay(ofChain id: String) async throws -> RunHeader? {
        let base = RunChain.split(id).base
        var filter = RunFilter(statuses: Set(RunMachine.Status.allCases.filter { !$0.isTerminal }))
        filter.prefix = base + "~"
        return try await store.list(filter).first { header in
            let (chain, number) = RunChain.split(header.id)
            return chain == base && number > 1
        }
    }

    /// The newest of the runs that follow on a run that is over; nil where none does.
    func newest(after id: String) async throws -> String? {
        let (base, first) = RunChain.split(id)
        func follows(_ number: Int) async throws -> Bool {
            try await store.header(of: RunChain.id(base, number))?.lineage == RunChain.id(base, number - 1)
        }
        guard try await follows(first + 1) else { return nil }
        // Chains may be long, and older runs of them may have been removed.
        var (known, step) = (first + 1, 1)
        while try await follows(known + step) { (known, step) = (known + step, step * 2) }
        var unknown = known + step
        while unknown - known > 1 {
            let middle = known + (unknown - known) / 2
            if try await follows(middle) { known = middle } else { unknown = middle }
        }
        return RunChain.id(base, known)
    }
}
