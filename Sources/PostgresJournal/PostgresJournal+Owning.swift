package import WorkflowEngine

extension PostgresJournal: RunOwning {
    package func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] {
        if runs.isEmpty { return [] }
        return try await onWriter { try $0.claim(runs) }
    }

    package func release(_ runs: [JournaledRun]) async throws(JournalError) {
        if runs.isEmpty { return }
        try await onWriter { writer in
            if writer.owner == 0 { return }
            try writer.release(runs.compactMap(\.postgresLease), writer.connect())
        }
    }

    package func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
    {
        try await onWriter { try $0.rewrite(run, rewriting, appending: batch) }
    }
}
