internal import JSONSchema

extension Schema {
    /// `runs.queued`: 0 has no place in the queue, 1 waits, 2 was let begin.
    static let version3 = """
        ALTER TABLE runs ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX unheld_runs ON runs (status) WHERE status < 4 AND queued <> 1;
        """

    /// The tables of the queue, which a store has once a run has waited in it: most stores never need them.
    ///
    /// `queue` has a row for each run with a place. `state`: 0 waits for `ready_at`, 1 waits for its limits, 2 was let begin,
    /// 3 has lost its place to the run `replaced_by`; one that has begun and is to be cancelled in favour of another one names that
    /// as well. The limits are those that the run was started with. `concurrency`,
    /// `rate`, `singleton` name rows of `queue_groups`, 0 for none.
    ///
    /// A lane holds the runs that share all of their groups, so that only the first of each lane has to be looked at.
    /// `blocked`: 0 is to be looked at, a group that has to have room first, -1 waits until `wake_at`, -2 has nobody waiting. Of the
    /// lanes that wait for a rate the first one waits for the time, and the others for the group. `priority` and `head` are those of
    /// its first run.
    ///
    /// `queue_starts` has the newest starts of a rate, numbered as `queue_groups.starts` counts them.
    ///
    /// `queue_waits`: a run of the chain `waiter` waits for the end of the chain `awaited`, each the first id of a chain. A row counts
    /// as long as `owner` drives `run`, and is of no use afterwards.
    static let queueTables = """
        CREATE TABLE IF NOT EXISTS queue_groups (
            id INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            workflow TEXT NOT NULL,
            key TEXT NOT NULL,
            starts INTEGER NOT NULL DEFAULT 0,
            idle_at INTEGER NOT NULL DEFAULT 0,
            UNIQUE (kind, workflow, key)
        ) STRICT;
        CREATE INDEX IF NOT EXISTS queue_groups_idle ON queue_groups (idle_at);
        CREATE TABLE IF NOT EXISTS queue_lanes (
            id INTEGER PRIMARY KEY,
            workflow TEXT NOT NULL,
            concurrency INTEGER NOT NULL,
            rate INTEGER NOT NULL,
            singleton INTEGER NOT NULL,
            blocked INTEGER NOT NULL DEFAULT -2,
            wake_at INTEGER NOT NULL DEFAULT 0,
            priority INTEGER NOT NULL DEFAULT 0,
            head INTEGER NOT NULL DEFAULT 0,
            UNIQUE (workflow, concurrency, rate, singleton)
        ) STRICT;
        CREATE INDEX IF NOT EXISTS queue_lanes_by_order ON queue_lanes (blocked, priority DESC, head);
        CREATE INDEX IF NOT EXISTS queue_lanes_by_time ON queue_lanes (wake_at) WHERE blocked = -1;
        CREATE INDEX IF NOT EXISTS queue_lanes_leading ON queue_lanes (rate) WHERE blocked = -1;
        CREATE INDEX IF NOT EXISTS queue_lanes_by_concurrency ON queue_lanes (concurrency);
        CREATE INDEX IF NOT EXISTS queue_lanes_by_rate ON queue_lanes (rate);
        CREATE INDEX IF NOT EXISTS queue_lanes_by_singleton ON queue_lanes (singleton);
        CREATE TABLE IF NOT EXISTS queue (
            run INTEGER PRIMARY KEY,
            lane INTEGER NOT NULL,
            state INTEGER NOT NULL,
            priority INTEGER NOT NULL,
            ready_at INTEGER NOT NULL,
            entered_at INTEGER NOT NULL,
            concurrency INTEGER NOT NULL,
            concurrency_limit INTEGER NOT NULL,
            rate INTEGER NOT NULL,
            rate_limit INTEGER NOT NULL,
            rate_period INTEGER NOT NULL,
            singleton INTEGER NOT NULL,
            cancels INTEGER NOT NULL,
            debounce TEXT,
            replaced_by INTEGER
        ) STRICT;
        CREATE INDEX IF NOT EXISTS queue_by_order ON queue (lane, state, priority DESC, run);
        CREATE INDEX IF NOT EXISTS queue_early ON queue (ready_at) WHERE state = 0;
        CREATE INDEX IF NOT EXISTS queue_waiting ON queue (entered_at) WHERE state = 1;
        CREATE INDEX IF NOT EXISTS queue_begun ON queue (concurrency) WHERE state = 2 AND concurrency <> 0;
        CREATE INDEX IF NOT EXISTS queue_singletons ON queue (singleton, state) WHERE singleton <> 0;
        CREATE INDEX IF NOT EXISTS queue_replaced ON queue (run) WHERE state = 3;
        CREATE INDEX IF NOT EXISTS queue_rivals ON queue (run) WHERE state = 2 AND replaced_by IS NOT NULL;
        CREATE INDEX IF NOT EXISTS queue_debounces ON queue (debounce) WHERE debounce IS NOT NULL AND state < 2;
        CREATE TABLE IF NOT EXISTS queue_starts (
            rate INTEGER NOT NULL,
            number INTEGER NOT NULL,
            time INTEGER NOT NULL,
            PRIMARY KEY (rate, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS queue_waits (
            waiter TEXT NOT NULL,
            awaited TEXT NOT NULL,
            run INTEGER NOT NULL,
            owner INTEGER NOT NULL,
            PRIMARY KEY (waiter, awaited)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS queue_waits_by_run ON queue_waits (run);
        """
}
