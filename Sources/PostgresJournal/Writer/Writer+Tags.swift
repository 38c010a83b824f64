internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension EntrySlice {
    /// The entries that change what their runs are found by: the number of each, from 1, with the run's row.
    func tagged(_ round: Round) -> [(line: Int, row: Int64, tags: RunTags)] {
        lines.enumerated().compactMap { index, line in
            round[line.place].tags.map { (index + 1, line.lease.row, $0) }
        }
    }
}

extension Writer {
    /// Has runs found by the newest of their tags, and by no others; of a run with several entries the last one counts.
    func replaceTags(
        _ tagged: [(line: Int, row: Int64, tags: RunTags)], except conflicts: Set<Int>, _ connection: Connection
    ) throws {
        var newest: [Int64: RunTags] = [:]
        for (line, row, tags) in tagged where !conflicts.contains(line) { newest[row] = tags }
        if newest.isEmpty { return }
        let runs = newest.sorted { $0.key < $1.key }
        try connection.run("DELETE FROM run_tags WHERE run = ANY($1::bigint[])", Parameters().add(runs.map(\.key)))
        let texts = Parameters().add(runs.map(\.key))
        texts.beginArray(of: .text)
        for (_, tags) in runs { texts.append(tags.isEmpty ? nil as String? : tags.value.json) }
        texts.endArray()
        try connection.run(
            """
            UPDATE runs SET tags = t.tags FROM unnest($1::bigint[], $2::text[]) AS t(run, tags) WHERE runs.row = t.run
            """, texts)
        let rows = runs.flatMap { run, tags in tags.tags.map { (run: run, tag: $0) } }
        if rows.isEmpty { return }
        let parameters = Parameters().add(rows.map(\.run))
        for text in [\RunTag.name, \RunTag.key] {
            parameters.beginArray(of: .text)
            for row in rows { parameters.append(row.tag[keyPath: text] as String?) }
            parameters.endArray()
        }
        try connection.run(
            "INSERT INTO run_tags SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
            parameters)
    }
}
