extension Schema {
    /// A start replaces the runs that wait by its debounce key, whatever their other keys are.
    static let version10 = """
        DROP INDEX queue_debounced;
        CREATE INDEX queue_debounces ON queue (debounce) WHERE debounce IS NOT NULL AND state < 2;
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
                    AND NOT (state < 2 AND debounce IS NOT NULL AND debounce IS NOT DISTINCT FROM _debounce)
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
                PERFORM queue_replace(queue.run, queue.lane, queue.state, _id)
                FROM queue JOIN queue_lanes ON queue_lanes.id = queue.lane
                WHERE queue_lanes.workflow = _workflow AND queue.debounce = _debounce AND queue.state < 2;
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
