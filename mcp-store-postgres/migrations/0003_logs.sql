-- Logs. A head is locked before anything of its log is written, and a session's advisory lock is
-- taken before a head of it is made; nobody who holds a head waits for that lock.

-- What has become too old by `at` counts as trimmed before it is.
CREATE FUNCTION "mcp".floor_at(l "mcp".logs, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN l.sealed OR l.keep_age IS NULL OR l.sweep_at > at THEN l.floor
        ELSE coalesce(
            (SELECT e.seq - 1 FROM "mcp".events e
             WHERE e.log = l.log AND e.seq > l.floor AND e.written_at > at - l.keep_age
             ORDER BY e.seq LIMIT 1),
            l.seq)
    END
$$;

-- The head after trimming to its retention, down to p_spare events. The caller holds its lock and
-- stores what is returned.
CREATE FUNCTION "mcp".trim_log(l "mcp".logs, p_spare bigint) RETURNS "mcp".logs
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    old_floor bigint := l.floor;
    first_due timestamptz;
    e record;
BEGIN
    FOR e IN
        SELECT v.seq, octet_length(v.payload) AS size, v.written_at + l.keep_age AS due
        FROM "mcp".events v WHERE v.log = l.log AND v.seq > l.floor ORDER BY v.seq
    LOOP
        IF NOT l.sealed THEN
            first_due := e.due;
        END IF;
        EXIT WHEN l.seq - l.floor <= p_spare
               OR (coalesce(l.seq - l.floor <= l.keep_events, true)
                   AND coalesce(l.bytes <= l.keep_bytes, true)
                   AND coalesce(first_due > at, true));
        l.floor := e.seq;
        l.bytes := l.bytes - e.size;
        first_due := NULL;
    END LOOP;
    IF l.floor > old_floor THEN
        DELETE FROM "mcp".events v WHERE v.log = l.log AND v.seq <= l.floor;
    END IF;
    l.sweep_at := least(first_due, l.expires_at);
    RETURN l;
END $$;

-- Whether trim_log would find something, without looking at the events.
CREATE FUNCTION "mcp".is_full(l "mcp".logs) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(l.seq - l.floor > l.keep_events, false)
        OR coalesce(l.bytes > l.keep_bytes, false)
        OR coalesce(l.sweep_at <= clock_timestamp(), false)
$$;

-- The end of an open log's life, counted anew. Written only now and then: it is indexed.
CREATE FUNCTION "mcp".later(p_deadline timestamptz, p_abandoned interval) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN p_deadline < clock_timestamp() + p_abandoned / 2
                THEN clock_timestamp() + p_abandoned ELSE p_deadline END
$$;

-- The head, locked; made if it is missing. NULL when its session was purged.
CREATE FUNCTION "mcp".open_log(
    p_ns bytea, p_key bytea, p_session bytea, p_lock bigint, p_abandoned interval, p_epoch bigint
) RETURNS "mcp".logs LANGUAGE plpgsql AS $$
DECLARE
    l "mcp".logs;
    ends timestamptz;
BEGIN
    LOOP
        SELECT * INTO l FROM "mcp".logs h WHERE h.ns = p_ns AND h.key = p_key FOR UPDATE;
        ends := clock_timestamp() + p_abandoned;
        IF FOUND THEN
            IF coalesce(l.expires_at > clock_timestamp(), true) THEN
                RETURN l;
            END IF;
            -- It has vanished, and begins again as another log.
            DELETE FROM "mcp".events e WHERE e.log = l.log;
            UPDATE "mcp".logs h SET
                log = DEFAULT, epoch = p_epoch, seq = 0, floor = 0, bytes = 0,
                keep_events = NULL, keep_bytes = NULL, keep_age = NULL,
                reader_instance = NULL, reader_connection = NULL, generation = 0,
                acked_epoch = 0, acked_seq = 0, sealed = false, expires_at = ends, sweep_at = ends
            WHERE h.ns = p_ns AND h.key = p_key RETURNING * INTO l;
            RETURN l;
        END IF;
        IF p_lock IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock(p_lock);
            IF EXISTS (
                SELECT FROM "mcp".purges p
                WHERE p.ns = p_ns AND p.session = p_session AND p.expires_at > clock_timestamp()
            ) THEN
                RETURN NULL;
            END IF;
        END IF;
        INSERT INTO "mcp".logs (ns, key, session, epoch, expires_at, sweep_at)
        VALUES (p_ns, p_key, p_session, p_epoch, ends, ends)
        ON CONFLICT (ns, key) DO NOTHING RETURNING * INTO l;
        IF FOUND THEN
            RETURN l;
        END IF;
    END LOOP;
END $$;

-- Stores what an operation has made of a head that it holds.
CREATE FUNCTION "mcp".save_log(l "mcp".logs) RETURNS void LANGUAGE sql AS $$
    UPDATE "mcp".logs h SET
        epoch = l.epoch, seq = l.seq, floor = l.floor, bytes = l.bytes,
        keep_events = l.keep_events, keep_bytes = l.keep_bytes, keep_age = l.keep_age,
        sealed = l.sealed, expires_at = l.expires_at, sweep_at = l.sweep_at,
        generation = l.generation, reader_instance = l.reader_instance,
        reader_connection = l.reader_connection
    WHERE h.ns = l.ns AND h.key = l.key
$$;

-- The head of a log that ends, trimmed down to p_spare events: those stay whatever their size, only
-- p_keep ends them.
CREATE FUNCTION "mcp".end_log(l "mcp".logs, p_spare bigint, p_keep interval) RETURNS "mcp".logs
LANGUAGE plpgsql AS $$
BEGIN
    l.sealed := true;
    l.expires_at := clock_timestamp() + p_keep;
    RETURN "mcp".trim_log(l, p_spare);
END $$;

-- 'appended', 'duplicate', 'key' (used for other events), 'sealed' or 'purged'. The reader, if one is
-- given, is for a log that has none; with p_seal the log ends with this batch.
CREATE FUNCTION "mcp".append_log(
    p_ns bytea, p_key bytea, p_session bytea, p_lock bigint, p_abandoned interval, p_epoch bigint,
    p_events bytea[], p_idempotency_key bytea, p_digest bytea,
    p_seen_epoch bigint, p_seen_seq bigint,
    p_keep_events bigint, p_keep_bytes bigint, p_keep_age interval,
    p_instance bytea, p_connection bigint, p_seal interval,
    OUT verdict text, OUT epoch bigint, OUT last bigint,
    OUT reader_instance bytea, OUT reader_connection bigint, OUT generation bigint
) LANGUAGE plpgsql AS $$
DECLARE
    l "mcp".logs;
    at timestamptz;
    known record;
BEGIN
    l := "mcp".open_log(p_ns, p_key, p_session, p_lock, p_abandoned, p_epoch);
    IF l.ns IS NULL THEN
        verdict := 'purged';
        RETURN;
    END IF;
    at := clock_timestamp();
    reader_instance := l.reader_instance;
    reader_connection := l.reader_connection;
    generation := l.generation;
    IF p_idempotency_key IS NOT NULL THEN
        SELECT e.seq, e.batch_digest INTO known FROM "mcp".events e
        WHERE e.log = l.log AND e.idempotency_key = p_idempotency_key
          AND e.seq > "mcp".floor_at(l, at);
        IF FOUND THEN
            verdict := CASE WHEN known.batch_digest = p_digest THEN 'duplicate' ELSE 'key' END;
            epoch := l.epoch;
            last := known.seq;
            RETURN;
        END IF;
    END IF;
    IF l.sealed THEN
        verdict := 'sealed';
        RETURN;
    END IF;
    IF NOT (p_seen_epoch = 0 AND p_seen_seq = 0)
       AND (p_seen_epoch <> l.epoch OR p_seen_seq > l.seq) THEN
        -- The writer knows of more than there is: what is here lost its end.
        DELETE FROM "mcp".events e WHERE e.log = l.log;
        l.epoch := p_epoch;
        l.seq := 0;
        l.floor := 0;
        l.bytes := 0;
    ELSIF "mcp".is_full(l) THEN
        l := "mcp".trim_log(l, 0);
    END IF;
    INSERT INTO "mcp".events (log, seq, payload, written_at, idempotency_key, batch_digest)
    SELECT l.log, l.seq + b.n, b.payload, at,
           CASE WHEN b.n = cardinality(p_events) THEN p_idempotency_key END,
           CASE WHEN b.n = cardinality(p_events) THEN p_digest END
    FROM unnest(p_events) WITH ORDINALITY AS b (payload, n);
    l.seq := l.seq + cardinality(p_events);
    l.bytes := l.bytes + (SELECT sum(octet_length(b.payload)) FROM unnest(p_events) AS b (payload));
    l.expires_at := "mcp".later(l.expires_at, p_abandoned);
    -- An age that was shortened, or is the first, may end the oldest event before sweep_at.
    l.sweep_at := least(l.sweep_at, at + p_keep_age);
    IF l.keep_age IS DISTINCT FROM p_keep_age THEN
        l.sweep_at := at;
    END IF;
    l.keep_events := p_keep_events;
    l.keep_bytes := p_keep_bytes;
    l.keep_age := p_keep_age;
    IF p_instance IS NOT NULL AND l.generation = 0 THEN
        l.generation := "mcp".microseconds();
        l.reader_instance := p_instance;
        l.reader_connection := p_connection;
    END IF;
    IF p_seal IS NOT NULL THEN
        l := "mcp".end_log(l, 1, p_seal);
    ELSIF "mcp".is_full(l) THEN
        l := "mcp".trim_log(l, 0);
    END IF;
    PERFORM "mcp".save_log(l);
    verdict := 'appended';
    epoch := l.epoch;
    last := l.seq;
    reader_instance := l.reader_instance;
    reader_connection := l.reader_connection;
    generation := l.generation;
END $$;

-- One row, or none when there is no log to read.
CREATE FUNCTION "mcp".attach_log(
    p_ns bytea, p_key bytea, p_session bytea, p_lock bigint, p_abandoned interval, p_epoch bigint,
    p_make boolean, p_instance bytea, p_connection bigint
) RETURNS TABLE (
    generation bigint, is_first boolean, acked_epoch bigint, acked_seq bigint,
    epoch bigint, last bigint, floor bigint, sealed boolean
) LANGUAGE plpgsql AS $$
DECLARE
    l "mcp".logs;
    next_generation bigint;
BEGIN
    IF p_make THEN
        l := "mcp".open_log(p_ns, p_key, p_session, p_lock, p_abandoned, p_epoch);
    ELSE
        SELECT * INTO l FROM "mcp".logs h WHERE h.ns = p_ns AND h.key = p_key
            AND coalesce(h.expires_at > clock_timestamp(), true) FOR UPDATE;
    END IF;
    IF l.ns IS NULL THEN
        RETURN;
    END IF;
    next_generation := greatest(l.generation + 1, "mcp".microseconds());
    UPDATE "mcp".logs h SET
        generation = next_generation, reader_instance = p_instance,
        reader_connection = p_connection,
        expires_at = CASE WHEN h.sealed THEN h.expires_at
                          ELSE "mcp".later(h.expires_at, p_abandoned) END
    WHERE h.ns = p_ns AND h.key = p_key;
    RETURN QUERY SELECT next_generation, l.generation = 0, l.acked_epoch, l.acked_seq, l.epoch, l.seq,
                        "mcp".floor_at(l, clock_timestamp()), l.sealed;
END $$;

-- The head with a verdict ('events', 'gap' or 'superseded'), once for each event and at least once;
-- no row when there is no such log. With a generation the head is locked, so that no event is given
-- to two generations; without one, one statement sees head and events at the same moment.
CREATE FUNCTION "mcp".read_log(
    p_ns bytea, p_key bytea, p_abandoned interval, p_epoch bigint, p_seq bigint,
    p_generation bigint, p_events bigint, p_bytes bigint
) RETURNS TABLE (
    verdict text, epoch bigint, last bigint, floor bigint, sealed boolean, seq bigint, payload bytea
) LANGUAGE plpgsql AS $$
BEGIN
    IF p_generation IS NOT NULL THEN
        PERFORM FROM "mcp".logs h WHERE h.ns = p_ns AND h.key = p_key FOR UPDATE;
        UPDATE "mcp".logs h SET acked_epoch = p_epoch, acked_seq = p_seq
        WHERE h.ns = p_ns AND h.key = p_key AND h.generation = p_generation
          AND ((p_epoch = 0 AND p_seq = 0) OR (p_epoch = h.epoch AND p_seq <= h.seq))
          AND (h.acked_epoch, h.acked_seq) <> (p_epoch, p_seq);
    END IF;
    UPDATE "mcp".logs h SET expires_at = "mcp".later(h.expires_at, p_abandoned)
    WHERE h.ns = p_ns AND h.key = p_key AND NOT h.sealed AND h.expires_at > clock_timestamp()
      AND h.expires_at < clock_timestamp() + p_abandoned / 2;
    RETURN QUERY
        WITH head AS (
            SELECT h.log, h.epoch, h.seq, h.sealed, f.floor,
                CASE
                    WHEN h.generation <> p_generation THEN 'superseded'
                    WHEN p_epoch = 0 AND p_seq = 0 AND f.floor = 0 THEN 'events'
                    WHEN p_epoch = 0 AND p_seq = 0 THEN 'gap'
                    WHEN p_epoch <> h.epoch OR p_seq > h.seq OR p_seq < f.floor THEN 'gap'
                    ELSE 'events'
                END AS verdict
            FROM "mcp".logs h
            CROSS JOIN LATERAL (SELECT "mcp".floor_at(h, clock_timestamp()) AS floor) f
            WHERE h.ns = p_ns AND h.key = p_key AND coalesce(h.expires_at > clock_timestamp(), true)
        )
        SELECT h.verdict, h.epoch, h.seq, h.floor, h.sealed, page.seq, page.payload
        FROM head h
        LEFT JOIN LATERAL (
            SELECT e.seq, e.payload, sum(octet_length(e.payload)) OVER (
                ORDER BY e.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM "mcp".events e WHERE e.log = h.log AND e.seq > p_seq
            ORDER BY e.seq LIMIT p_events
        ) page ON h.verdict = 'events' AND coalesce(page.before < p_bytes, true)
        ORDER BY page.seq;
END $$;

-- Whether this call ended the log.
CREATE FUNCTION "mcp".seal_log(
    p_ns bytea, p_key bytea, p_session bytea, p_lock bigint, p_epoch bigint,
    p_last bytea, p_keep interval,
    OUT is_first boolean, OUT reader_instance bytea, OUT reader_connection bigint
) LANGUAGE plpgsql AS $$
DECLARE
    l "mcp".logs;
    ends timestamptz;
BEGIN
    is_first := false;
    l := "mcp".open_log(p_ns, p_key, p_session, p_lock, p_keep, p_epoch);
    IF l.ns IS NULL THEN
        RETURN;
    END IF;
    reader_instance := l.reader_instance;
    reader_connection := l.reader_connection;
    ends := clock_timestamp() + p_keep;
    IF l.sealed THEN
        UPDATE "mcp".logs h SET
            expires_at = least(h.expires_at, ends), sweep_at = least(h.sweep_at, ends)
        WHERE h.ns = p_ns AND h.key = p_key;
        RETURN;
    END IF;
    -- Age counts until the seal, and no longer.
    l := "mcp".trim_log(l, 0);
    IF p_last IS NOT NULL THEN
        l.seq := l.seq + 1;
        l.bytes := l.bytes + octet_length(p_last);
        INSERT INTO "mcp".events (log, seq, payload, written_at)
        VALUES (l.log, l.seq, p_last, clock_timestamp());
    END IF;
    l := "mcp".end_log(l, CASE WHEN p_last IS NULL THEN 0 ELSE 1 END, p_keep);
    PERFORM "mcp".save_log(l);
    is_first := true;
END $$;

-- How many logs there were.
CREATE FUNCTION "mcp".purge_session(
    p_ns bytea, p_session bytea, p_lock bigint, p_remember interval
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint[];
    live bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(p_lock);
    INSERT INTO "mcp".purges AS p (ns, session, expires_at)
    VALUES (p_ns, p_session, clock_timestamp() + p_remember)
    ON CONFLICT (ns, session) DO UPDATE SET expires_at = excluded.expires_at;
    WITH deleted AS (
        DELETE FROM "mcp".logs h WHERE h.ns = p_ns AND h.session = p_session
        RETURNING h.log, coalesce(h.expires_at > clock_timestamp(), true) AS live
    )
    SELECT array_agg(d.log), count(*) FILTER (WHERE d.live) INTO gone, live FROM deleted d;
    -- A statement of its own: it sees what was appended while the one above waited.
    DELETE FROM "mcp".events e WHERE e.log = ANY (gone);
    RETURN live;
END $$;

-- How many logs were freed or trimmed, and forgotten purges.
CREATE FUNCTION "mcp".sweep_logs(p_ns bytea, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    old "mcp".logs;
    l "mcp".logs;
    freed bigint := 0;
BEGIN
    FOR old IN
        SELECT * FROM "mcp".logs h WHERE h.ns = p_ns AND h.sweep_at <= at
        ORDER BY h.sweep_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        IF old.expires_at <= at THEN
            DELETE FROM "mcp".events e WHERE e.log = old.log;
            DELETE FROM "mcp".logs h WHERE h.ns = p_ns AND h.key = old.key;
            freed := freed + 1;
        ELSE
            l := "mcp".trim_log(old, 0);
            PERFORM "mcp".save_log(l);
            freed := freed + (l.floor > old.floor)::int;
        END IF;
    END LOOP;
    DELETE FROM "mcp".purges p WHERE p.ctid = ANY (ARRAY(
        SELECT q.ctid FROM "mcp".purges q WHERE q.ns = p_ns AND q.expires_at <= at
        ORDER BY q.expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    RETURN freed;
END $$;
