internal import JSONSchema

extension Schema {
    /// The queue: its tables, and the functions that alone change them, under the lock that
    /// ``Connection/lockQueue(_:)`` takes. Some of the functions are those of ``version7`` and ``version9``.
    ///
    /// `runs.queued`: 0 has no place in the queue, 1 waits, 2 was let begin. `queue` has a row for each run with a
    /// place, numbered in the order of coming. `state`: 0 waits for `ready_at`, 1 waits for its limits, 2 was let
    /// begin, 3 has lost its place to the run `replaced_by`. The limits are those that the run was started with.
    /// `concurrency`, `rate`, `singleton` name rows of `queue_groups`, 0 for none. All times are microseconds since
    /// 1970 by the database's clock.
    ///
    /// A lane holds the runs that share all of their groups, so that only the first of each lane has to be looked at.
    /// `blocked`: 0 is to be looked at, a group that has to have room first, -1 waits until `wake_at`, -2 has nobody
    /// waiting. `priority` and `head` (a number of `queue`) are those of its first run.
    ///
    /// `queue_starts` has the newest starts of a rate, numbered as `queue_groups.starts` counts them.
    static let version2 = queueTables + queueLanes + queueComing + queueGoing + queueBeginning

    /// Longer than this no period counts, in microseconds: a time with one added is a time still.
    static let longest: Int64 = 1 << 60

    private static let queueTables = """
        ALTER TABLE runs ADD COLUMN queued smallint NOT NULL DEFAULT 0;
        CREATE TABLE queue_groups (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind smallint NOT NULL,
            workflow text NOT NULL,
            key text NOT NULL,
            starts bigint NOT NULL DEFAULT 0,
            idle_at bigint NOT NULL DEFAULT 0,
            UNIQUE (kind, workflow, key)
        );
        CREATE INDEX queue_groups_idle ON queue_groups (idle_at) WHERE kind = 1;
        CREATE TABLE queue_lanes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workflow text NOT NULL,
            concurrency bigint NOT NULL,
            rate bigint NOT NULL,
            singleton bigint NOT NULL,
            blocked bigint NOT NULL DEFAULT -2,
            wake_at bigint NOT NULL DEFAULT 0,
            priority bigint NOT NULL DEFAULT 0,
            head bigint NOT NULL DEFAULT 0,
            UNIQUE (workflow, concurrency, rate, singleton)
        );
        CREATE INDEX queue_lanes_by_order ON queue_lanes (blocked, priority DESC, head);
        CREATE INDEX queue_lanes_by_time ON queue_lanes (wake_at) WHERE blocked = -1;
        CREATE INDEX queue_lanes_by_concurrency ON queue_lanes (concurrency);
        CREATE INDEX queue_lanes_by_rate ON queue_lanes (rate);
        CREATE INDEX queue_lanes_by_singleton ON queue_lanes (singleton);
        CREATE TABLE queue (
            run bigint PRIMARY KEY,
            number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            id text COLLATE "C" NOT NULL UNIQUE,
            lane bigint NOT NULL,
            state smallint NOT NULL,
            priority bigint NOT NULL,
            ready_at bigint NOT NULL,
            entered_at bigint NOT NULL,
            concurrency bigint NOT NULL,
            concurrency_limit bigint NOT NULL,
            rate bigint NOT NULL,
            rate_limit bigint NOT NULL,
            rate_period bigint NOT NULL,
            singleton bigint NOT NULL,
            cancels boolean NOT NULL,
            debounce text,
            replaced_by text
        );
        CREATE INDEX queue_by_order ON queue (lane, state, priority DESC, number);
        CREATE INDEX queue_early ON queue (ready_at) WHERE state = 0;
        CREATE INDEX queue_waiting ON queue (entered_at) WHERE state = 1;
        CREATE INDEX queue_begun ON queue (concurrency) WHERE state = 2 AND concurrency <> 0;
        CREATE INDEX queue_singletons ON queue (singleton, state) WHERE singleton <> 0;
        CREATE INDEX queue_replaced ON queue (number) WHERE state = 3;
        CREATE INDEX queue_debounced ON queue (lane, debounce) WHERE debounce IS NOT NULL AND state < 2;
        CREATE TABLE queue_starts (
            rate bigint NOT NULL,
            number bigint NOT NULL,
            time bigint NOT NULL,
            PRIMARY KEY (rate, number)
        );

        """

    /// `queue_renew` has a lane show its first run, and be looked at if there is one. `queue_join` has it be looked at
    /// if a run that begins to wait goes before those that do. `queue_open` has the first lane that waits for room in a
    /// group be looked at.
    private static let queueLanes = """
        CREATE FUNCTION queue_renew(_lane bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE _first record;
        BEGIN
            SELECT priority, number INTO _first FROM queue WHERE lane = _lane AND state = 1
            ORDER BY priority DESC, number LIMIT 1;
            IF FOUND THEN
                UPDATE queue_lanes SET blocked = 0, priority = _first.priority, head = _first.number WHERE id = _lane;
            ELSE
                UPDATE queue_lanes SET blocked = -2, priority = 0, head = 0 WHERE id = _lane;
            END IF;
        END $$;
        CREATE FUNCTION queue_join(_lane bigint, _number bigint, _priority bigint) RETURNS void LANGUAGE sql AS $$
            UPDATE queue_lanes SET priority = _priority, head = _number, blocked = 0
            WHERE id = _lane AND (head = 0 OR priority < _priority OR priority = _priority AND head > _number)
        $$;
        CREATE FUNCTION queue_open(_group bigint) RETURNS void LANGUAGE sql AS $$
            UPDATE queue_lanes SET blocked = 0
            WHERE id = (SELECT id FROM queue_lanes WHERE blocked = _group ORDER BY priority DESC, head LIMIT 1)
        $$;

        """

    /// `queue_enter` gives a run its place; NULL if it has one, '' if there is a run of that id, else the run that a
    /// singleton has in its place. `_conflict`: 0 queues, 1 gives way to the other run, 2 takes its place. `_ready_in`
    /// is in microseconds from now on.
    private static let queueComing = """
        CREATE FUNCTION queue_group(_kind integer, _workflow text, _key text) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE _group bigint := 0;
        BEGIN
            IF _key IS NOT NULL THEN
                SELECT id INTO _group FROM queue_groups WHERE kind = _kind AND workflow = _workflow AND key = _key;
                IF NOT FOUND THEN
                    INSERT INTO queue_groups (kind, workflow, key) VALUES (_kind, _workflow, _key)
                    RETURNING id INTO _group;
                END IF;
            END IF;
            RETURN _group;
        END $$;
        CREATE FUNCTION queue_replace(_run bigint, _lane bigint, _state smallint, _by text)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE queue SET state = 3, replaced_by = _by WHERE run = _run;
            IF _state = 1 THEN PERFORM queue_renew(_lane); END IF;
        END $$;
        CREATE FUNCTION queue_enter(
            _run bigint, _id text, _workflow text, _priority bigint, _ready_in bigint, _concurrency_key text,
            _concurrency_limit bigint, _rate_key text, _rate_limit bigint, _rate_period bigint, _singleton_key text,
            _conflict bigint, _debounce text, _now bigint
        ) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            _singleton bigint;
            _concurrency bigint;
            _rate bigint;
            _lane bigint;
            _number bigint;
            _rival text;
        BEGIN
            IF EXISTS (SELECT 1 FROM runs WHERE id = _id) OR EXISTS (SELECT 1 FROM queue WHERE id = _id) THEN
                RETURN '';
            END IF;
            _singleton := queue_group(2, _workflow, _singleton_key);
            IF _singleton <> 0 AND _conflict = 1 THEN
                SELECT id INTO _rival FROM queue WHERE singleton = _singleton AND singleton <> 0 AND state < 3
                ORDER BY number LIMIT 1;
                IF FOUND THEN RETURN _rival; END IF;
            END IF;
            _concurrency := queue_group(0, _workflow, _concurrency_key);
            _rate := queue_group(1, _workflow, _rate_key);
            SELECT id INTO _lane FROM queue_lanes
            WHERE workflow = _workflow AND concurrency = _concurrency AND rate = _rate AND singleton = _singleton;
            IF NOT FOUND THEN
                INSERT INTO queue_lanes (workflow, concurrency, rate, singleton)
                VALUES (_workflow, _concurrency, _rate, _singleton) RETURNING id INTO _lane;
            END IF;
            IF _singleton <> 0 AND _conflict = 2 THEN
                PERFORM queue_replace(run, lane, state, _id) FROM queue
                WHERE singleton = _singleton AND singleton <> 0 AND state < 2;
            END IF;
            IF _debounce IS NOT NULL THEN
                PERFORM queue_replace(run, lane, state, _id) FROM queue
                WHERE lane = _lane AND debounce = _debounce AND state < 2;
            END IF;
            INSERT INTO queue (run, id, lane, state, priority, ready_at, entered_at, concurrency, concurrency_limit,
                rate, rate_limit, rate_period, singleton, cancels, debounce)
            VALUES (_run, _id, _lane, CASE WHEN _ready_in > 0 THEN 0 ELSE 1 END, _priority, _now + _ready_in,
                _now + _ready_in, _concurrency, _concurrency_limit, _rate, _rate_limit, _rate_period, _singleton,
                _conflict = 2, _debounce)
            RETURNING number INTO _number;
            IF _ready_in <= 0 THEN PERFORM queue_join(_lane, _number, _priority); END IF;
            RETURN NULL;
        END $$;

        """

    /// `queue_leave` takes a run out of the queue, with the places that it holds; no-op if it has none.
    private static let queueGoing = """
        CREATE FUNCTION queue_leave(_run bigint) RETURNS void LANGUAGE plpgsql AS $$
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
            DELETE FROM queue_groups WHERE id IN (_entry.concurrency, _entry.singleton)
                AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE concurrency = queue_groups.id)
                AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE singleton = queue_groups.id);
        END $$;

        """

    /// `queue_obstacle` tells what keeps a run from beginning, as `queue_lanes.blocked` has it; NULL for nothing.
    /// `queue_admit` lets runs begin in order, at most `_most` of them: all, or those of `_runs` that `_owner` drives,
    /// behind none that somebody drives. It gives the runs that begin, and those that are to be cancelled with the run
    /// that takes their place.
    private static let queueBeginning = """
        CREATE FUNCTION queue_obstacle(
            _entry queue, _now bigint, OUT blocked bigint, OUT wake_at bigint, OUT rival text, OUT running bigint
        ) LANGUAGE plpgsql AS $$
        BEGIN
            IF _entry.concurrency <> 0 THEN
                SELECT count(*) INTO running FROM queue
                WHERE concurrency = _entry.concurrency AND concurrency <> 0 AND state = 2;
                IF running >= _entry.concurrency_limit THEN
                    blocked := _entry.concurrency;
                    RETURN;
                END IF;
            END IF;
            IF _entry.singleton <> 0 THEN
                SELECT id INTO rival FROM queue
                WHERE singleton = _entry.singleton AND singleton <> 0 AND state = 2 LIMIT 1;
                IF FOUND THEN
                    blocked := _entry.singleton;
                    RETURN;
                END IF;
            END IF;
            IF _entry.rate <> 0 THEN
                SELECT queue_starts.time + least(_entry.rate_period, \(longest)) INTO wake_at
                FROM queue_starts JOIN queue_groups ON queue_groups.id = queue_starts.rate
                WHERE queue_starts.rate = _entry.rate
                    AND queue_starts.number = queue_groups.starts - _entry.rate_limit + 1;
                IF wake_at > _now THEN blocked := -1; END IF;
            END IF;
        END $$;
        CREATE FUNCTION queue_wake(_now bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE _early record;
        BEGIN
            FOR _early IN
                SELECT run, lane, number, priority FROM queue WHERE state = 0 AND ready_at <= _now
                ORDER BY ready_at, number LIMIT 1000
            LOOP
                UPDATE queue SET state = 1 WHERE run = _early.run;
                PERFORM queue_join(_early.lane, _early.number, _early.priority);
            END LOOP;
            UPDATE queue_lanes SET blocked = 0 WHERE blocked = -1 AND wake_at <= _now;
            -- A rate that nobody has used for a period has room for all.
            WITH idle AS (
                DELETE FROM queue_groups WHERE id IN (
                    SELECT id FROM queue_groups AS idle WHERE kind = 1 AND idle_at BETWEEN 1 AND _now
                        AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE rate = idle.id) LIMIT 64)
                RETURNING id
            ) DELETE FROM queue_starts USING idle WHERE queue_starts.rate = idle.id;
        END $$;
        CREATE FUNCTION queue_grant(_entry queue, _now bigint, _posted_at bigint, _payload bytea)
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
            IF _entry.concurrency <> 0 AND _entry.concurrency_limit > (
                SELECT count(*) FROM queue WHERE concurrency = _entry.concurrency AND concurrency <> 0 AND state = 2)
            THEN PERFORM queue_open(_entry.concurrency); END IF;
        END $$;
        CREATE FUNCTION queue_block(_entry queue, _blocked bigint, _wake_at bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE queue_lanes SET blocked = _blocked, wake_at = coalesce(_wake_at, 0) WHERE id = _entry.lane;
            -- A concurrency that is not the obstacle has room; whether a singleton has is seen only behind it.
            IF _entry.concurrency <> 0 AND _blocked <> _entry.concurrency THEN
                PERFORM queue_open(_entry.concurrency);
            END IF;
            IF _entry.singleton <> 0 AND _blocked <> _entry.singleton AND NOT EXISTS (
                SELECT 1 FROM queue WHERE singleton = _entry.singleton AND singleton <> 0 AND state = 2)
            THEN PERFORM queue_open(_entry.singleton); END IF;
        END $$;
        CREATE FUNCTION queue_admit(
            _runs text[], _owner bigint, _most bigint, _now bigint, _posted_at bigint, _payload bytea
        ) RETURNS TABLE (begins boolean, run_id text, taken_by text) LANGUAGE plpgsql AS $$
        DECLARE
            _count bigint := 0;
            _lane record;
            _entry queue%ROWTYPE;
            _obstacle record;
        BEGIN
            PERFORM queue_wake(_now);
            IF _runs IS NOT NULL THEN
                FOR _entry IN
                    SELECT queue.* FROM queue JOIN runs ON runs.row = queue.run
                    WHERE queue.id = ANY(_runs) AND queue.state = 1 AND runs.owner = _owner
                    ORDER BY queue.priority DESC, queue.number
                LOOP
                    EXIT WHEN _count >= _most;
                    CONTINUE WHEN EXISTS (
                        SELECT 1 FROM (
                            SELECT ahead.run FROM queue AS ahead WHERE ahead.lane = _entry.lane AND ahead.state = 1
                                AND (ahead.priority > _entry.priority
                                    OR ahead.priority = _entry.priority AND ahead.number < _entry.number)
                            ORDER BY ahead.priority DESC, ahead.number LIMIT 1000
                        ) AS ahead JOIN runs ON runs.row = ahead.run JOIN owners ON owners.id = runs.owner
                        WHERE owners.id = _owner OR owners.lease_until > \(now));
                    SELECT * INTO _obstacle FROM queue_obstacle(_entry, _now);
                    IF _obstacle.blocked IS NULL THEN
                        PERFORM queue_grant(_entry, _now, _posted_at, _payload);
                        _count := _count + 1;
                        RETURN QUERY VALUES (true, _entry.id, NULL::text);
                    ELSIF _entry.cancels AND _obstacle.rival IS NOT NULL THEN
                        RETURN QUERY VALUES (false, _obstacle.rival, _entry.id);
                    END IF;
                END LOOP;
            ELSE
                WHILE _count < _most LOOP
                    SELECT id, head INTO _lane FROM queue_lanes WHERE blocked = 0
                    ORDER BY priority DESC, head LIMIT 1;
                    EXIT WHEN NOT FOUND;
                    SELECT * INTO _entry FROM queue WHERE number = _lane.head AND lane = _lane.id AND state = 1;
                    IF NOT FOUND THEN
                        PERFORM queue_renew(_lane.id);
                        CONTINUE;
                    END IF;
                    SELECT * INTO _obstacle FROM queue_obstacle(_entry, _now);
                    IF _obstacle.blocked IS NULL THEN
                        PERFORM queue_grant(_entry, _now, _posted_at, _payload);
                        _count := _count + 1;
                        RETURN QUERY VALUES (true, _entry.id, NULL::text);
                    ELSE
                        IF _entry.cancels AND _obstacle.rival IS NOT NULL THEN
                            RETURN QUERY VALUES (false, _obstacle.rival, _entry.id);
                        END IF;
                        PERFORM queue_block(_entry, _obstacle.blocked, _obstacle.wake_at);
                    END IF;
                END LOOP;
            END IF;
            RETURN QUERY SELECT false, id, replaced_by FROM queue WHERE state = 3 ORDER BY number LIMIT 64;
        END $$;
        """
}
