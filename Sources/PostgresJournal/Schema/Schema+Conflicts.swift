extension Schema {
    /// A run that takes the place of the one that its singleton has under way has that one cancelled whatever else keeps it
    /// waiting; and of the runs of a singleton that gives way, those that a debounce replaces do not count.
    static let version9 = conflicts + rivals + debounced

    /// `queue_obstacle` tells of the rival of a run also where another limit is the obstacle.
    private static let conflicts = """
        CREATE OR REPLACE FUNCTION queue_obstacle(
            _entry queue, _now bigint, OUT blocked bigint, OUT wake_at bigint, OUT rival text, OUT running bigint
        ) LANGUAGE plpgsql AS $$
        BEGIN
            IF _entry.singleton <> 0 THEN
                SELECT id INTO rival FROM queue
                WHERE singleton = _entry.singleton AND singleton <> 0 AND state = 2 LIMIT 1;
            END IF;
            IF _entry.concurrency <> 0 THEN
                SELECT count(*) INTO running FROM queue
                WHERE concurrency = _entry.concurrency AND concurrency <> 0 AND state = 2;
                IF running >= _entry.concurrency_limit THEN
                    blocked := _entry.concurrency;
                    RETURN;
                END IF;
            END IF;
            IF rival IS NOT NULL THEN
                blocked := _entry.singleton;
                RETURN;
            END IF;
            IF _entry.rate <> 0 THEN
                SELECT queue_starts.time + least(_entry.rate_period, \(longest)) INTO wake_at
                FROM queue_starts JOIN queue_groups ON queue_groups.id = queue_starts.rate
                WHERE queue_starts.rate = _entry.rate
                    AND queue_starts.number = queue_groups.starts - _entry.rate_limit + 1;
                IF wake_at > _now THEN blocked := -1; END IF;
            END IF;
        END $$;

        """

    /// `queue_admit` notes in `queue.replaced_by` that a run which has begun is to be cancelled, and tells of it until it is over.
    private static let rivals = """
        CREATE INDEX queue_rivals ON queue (number) WHERE state = 2 AND replaced_by IS NOT NULL;
        CREATE OR REPLACE FUNCTION queue_admit(
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
                        UPDATE queue SET replaced_by = _entry.id WHERE queue.id = _obstacle.rival;
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
                            UPDATE queue SET replaced_by = _entry.id WHERE queue.id = _obstacle.rival;
                        END IF;
                        PERFORM queue_block(_entry, _obstacle.blocked, _obstacle.wake_at);
                    END IF;
                END LOOP;
            END IF;
            RETURN QUERY SELECT false, id, replaced_by FROM queue WHERE state = 3 ORDER BY number LIMIT 64;
            RETURN QUERY SELECT false, id, replaced_by FROM queue WHERE state = 2 AND replaced_by IS NOT NULL
            ORDER BY number LIMIT 64;
        END $$;

        """

    /// `queue_enter` gives a run in place of the new one only if the new one does not replace it.
    private static let debounced = """
        CREATE OR REPLACE FUNCTION queue_enter(
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
                SELECT queue.id INTO _rival FROM queue
                WHERE queue.singleton = _singleton AND queue.singleton <> 0 AND state < 3
                    AND NOT (state < 2 AND debounce IS NOT NULL AND debounce IS NOT DISTINCT FROM _debounce
                        AND (SELECT key FROM queue_groups WHERE queue_groups.id = queue.concurrency)
                            IS NOT DISTINCT FROM _concurrency_key
                        AND (SELECT key FROM queue_groups WHERE queue_groups.id = queue.rate)
                            IS NOT DISTINCT FROM _rate_key)
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
}
