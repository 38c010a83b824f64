internal import JSONSchema
internal import WorkflowEngine

extension Schema {
    /// The rules of ``QueueLanes``: of the lanes that wait for a rate the first one waits for the time (`blocked` is -1), and
    /// the others for the rate, so that a time that comes has one lane looked at and not all of them.
    static let version7 = lanesOfRates + setBack

    /// `queue_rest` has a lane wait for its rate. `queue_leave` removes the groups of limits under which nothing waits or has
    /// begun as well.
    private static let lanesOfRates = """
        CREATE INDEX queue_lanes_leading ON queue_lanes (rate, priority DESC, head) WHERE blocked = -1;
        CREATE OR REPLACE FUNCTION queue_renew(_lane bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            _first record;
            _rate bigint;
        BEGIN
            SELECT priority, number INTO _first FROM queue WHERE lane = _lane AND state = 1
            ORDER BY priority DESC, number LIMIT 1;
            IF FOUND THEN
                UPDATE queue_lanes SET blocked = 0, priority = _first.priority, head = _first.number WHERE id = _lane;
            ELSE
                UPDATE queue_lanes SET blocked = -2, priority = 0, head = 0 WHERE id = _lane RETURNING rate INTO _rate;
                -- It may have been the one that waited for the time of others as well.
                IF _rate <> 0 THEN PERFORM queue_open(_rate); END IF;
            END IF;
        END $$;
        CREATE OR REPLACE FUNCTION queue_leave(_run bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE _entry queue%ROWTYPE;
        BEGIN
            DELETE FROM queue WHERE run = _run RETURNING * INTO _entry;
            IF NOT FOUND THEN RETURN; END IF;
            DELETE FROM inbox WHERE run = _run AND kind = 'begin';
            IF _entry.state = 1 THEN PERFORM queue_renew(_entry.lane); END IF;
            IF _entry.state = 2 AND _entry.concurrency <> 0 THEN PERFORM queue_open(_entry.concurrency); END IF;
            IF _entry.state = 2 AND _entry.singleton <> 0 THEN PERFORM queue_open(_entry.singleton); END IF;
            IF EXISTS (SELECT 1 FROM queue WHERE lane = _entry.lane) THEN RETURN; END IF;
            DELETE FROM queue_lanes WHERE id = _entry.lane;
            DELETE FROM queue_groups
            WHERE (id IN (_entry.concurrency, _entry.singleton) OR id = _entry.rate AND starts = 0)
                AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE concurrency = queue_groups.id)
                AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE rate = queue_groups.id)
                AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE singleton = queue_groups.id);
        END $$;
        CREATE FUNCTION queue_rest(_entry queue, _wake_at bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE _first record;
        BEGIN
            UPDATE queue_lanes SET blocked = rate, wake_at = 0 WHERE id = _entry.lane;
            SELECT id, priority, head INTO _first FROM queue_lanes WHERE blocked = _entry.rate
            ORDER BY priority DESC, head LIMIT 1;
            IF EXISTS (
                SELECT 1 FROM queue_lanes WHERE rate = _entry.rate AND blocked = -1
                    AND (priority > _first.priority OR priority = _first.priority AND head < _first.head))
            THEN RETURN; END IF;
            UPDATE queue_lanes SET blocked = rate, wake_at = 0 WHERE rate = _entry.rate AND blocked = -1;
            UPDATE queue_lanes SET blocked = -1, wake_at = _wake_at WHERE id = _first.id;
        END $$;
        CREATE OR REPLACE FUNCTION queue_block(_entry queue, _blocked bigint, _wake_at bigint)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF _blocked > 0 THEN
                UPDATE queue_lanes SET blocked = _blocked, wake_at = 0 WHERE id = _entry.lane;
                IF _entry.rate <> 0 THEN PERFORM queue_open(_entry.rate); END IF;
            END IF;
            -- A concurrency that is not the obstacle has room; whether a singleton has is seen only behind it.
            IF _entry.concurrency <> 0 AND _blocked <> _entry.concurrency THEN
                PERFORM queue_open(_entry.concurrency);
            END IF;
            IF _entry.singleton <> 0 AND _blocked <> _entry.singleton AND NOT EXISTS (
                SELECT 1 FROM queue WHERE singleton = _entry.singleton AND singleton <> 0 AND state = 2)
            THEN PERFORM queue_open(_entry.singleton); END IF;
            IF _blocked = -1 THEN PERFORM queue_rest(_entry, _wake_at); END IF;
        END $$;
        CREATE OR REPLACE FUNCTION queue_grant(_entry queue, _now bigint, _posted_at bigint, _payload bytea)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE queue SET state = 2 WHERE run = _entry.run;
            UPDATE runs SET queued = 2 WHERE row = _entry.run;
            IF _entry.rate <> 0 THEN
                UPDATE queue_groups SET starts = starts + 1,
                    idle_at = greatest(idle_at, _now + least(_entry.rate_period, \(longest)))
                WHERE id = _entry.rate;
                INSERT INTO queue_starts SELECT id, starts, _now FROM queue_groups WHERE id = _entry.rate
                ON CONFLICT (rate, number) DO UPDATE SET time = excluded.time;
                DELETE FROM queue_starts WHERE rate = _entry.rate
                    AND number <= (SELECT starts FROM queue_groups WHERE id = _entry.rate) - _entry.rate_limit;
            END IF;
            INSERT INTO inbox (run, kind, target, payload, posted_at, token)
            VALUES (_entry.run, 'begin', '', _payload, _posted_at, 'begin-' || _entry.run)
            ON CONFLICT (token) DO NOTHING;
            PERFORM queue_renew(_entry.lane);
            -- There may be room for one more, of another lane.
            IF _entry.rate <> 0 THEN PERFORM queue_open(_entry.rate); END IF;
            IF _entry.concurrency <> 0 AND _entry.concurrency_limit > (
                SELECT count(*) FROM queue WHERE concurrency = _entry.concurrency AND concurrency <> 0 AND state = 2)
            THEN PERFORM queue_open(_entry.concurrency); END IF;
        END $$;

        """

    /// `queue_set_back` forgets what lies ahead of a clock that was set back: it has happened by now.
    private static let setBack = """
        CREATE FUNCTION queue_set_back(_now bigint) RETURNS void LANGUAGE sql AS $$
            UPDATE queue_starts SET time = _now WHERE time > _now + \(ClockWatch.tolerance);
            UPDATE queue_lanes SET blocked = 0 WHERE blocked = -1;
        $$;
        """
}
