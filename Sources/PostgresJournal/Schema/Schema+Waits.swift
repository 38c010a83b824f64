extension Schema {
    /// `queue_waits`: a run of the chain `waiter` waits for the end of the chain `awaited`, each the first id of a chain. A row counts
    /// as long as `owner` drives `run`, and is of no use afterwards.
    static let version12 = """
        CREATE TABLE queue_waits (
            waiter text COLLATE "C" NOT NULL,
            awaited text COLLATE "C" NOT NULL,
            run bigint NOT NULL,
            owner bigint NOT NULL,
            PRIMARY KEY (waiter, awaited)
        );
        CREATE INDEX queue_waits_by_run ON queue_waits (run)
        """
}
