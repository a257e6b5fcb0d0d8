-- Sessions: what needs more than one plain statement. Each statement in a function sees what was
-- committed before it began, also what was committed while an earlier one waited for a lock.

-- 'created', 'exists' or 'limit'. p_lock belongs to the owner; NULL when there is no cap to keep.
CREATE FUNCTION "mcp".create_session(
    p_ns bytea, p_id bytea, p_record bytea, p_owner bytea,
    p_idle interval, p_absolute interval, p_cap bigint, p_lock bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    IF p_lock IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(p_lock);
        at := clock_timestamp();
        IF EXISTS (
            SELECT FROM "mcp".sessions s WHERE s.ns = p_ns AND s.id = p_id AND s.expires_at > at
        ) THEN
            RETURN 'exists';
        END IF;
        IF p_cap <= (
            SELECT count(*) FROM "mcp".sessions s
            WHERE s.ns = p_ns AND s.owner = p_owner AND s.expires_at > at
        ) THEN
            RETURN 'limit';
        END IF;
    END IF;
    at := clock_timestamp();
    INSERT INTO "mcp".sessions AS s
        (ns, id, record, version, owner, created_at, idle, absolute, ends_at, expires_at)
    VALUES (p_ns, p_id, p_record, 1, p_owner, at, p_idle, p_absolute, at + p_absolute,
            least(at + p_idle, at + p_absolute))
    ON CONFLICT (ns, id) DO UPDATE SET
        record = excluded.record, version = 1, owner = excluded.owner,
        created_at = excluded.created_at, idle = excluded.idle, absolute = excluded.absolute,
        ends_at = excluded.ends_at, expires_at = excluded.expires_at
    WHERE s.expires_at <= clock_timestamp();
    RETURN CASE WHEN FOUND THEN 'created' ELSE 'exists' END;
END $$;

-- 'updated', 'gone', 'owner' or 'conflict'. NULL intervals leave the life time alone.
CREATE FUNCTION "mcp".update_session(
    p_ns bytea, p_id bytea, p_expected bigint, p_record bytea, p_owner bytea,
    p_idle interval, p_absolute interval
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_version bigint;
    found_owner bytea;
BEGIN
    SELECT s.version, s.owner INTO found_version, found_owner FROM "mcp".sessions s
    WHERE s.ns = p_ns AND s.id = p_id AND s.record IS NOT NULL AND s.expires_at > clock_timestamp()
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'gone';
    ELSIF found_owner IS DISTINCT FROM p_owner THEN
        RETURN 'owner';
    ELSIF found_version <> p_expected THEN
        RETURN 'conflict';
    END IF;
    -- The moment of creation is ends_at - absolute: a deadline that was moved has moved it too.
    UPDATE "mcp".sessions s SET
        record = p_record,
        version = s.version + 1,
        idle = coalesce(p_idle, s.idle),
        absolute = coalesce(p_absolute, s.absolute),
        ends_at = CASE WHEN p_idle IS NULL THEN s.ends_at
                       ELSE s.ends_at - s.absolute + p_absolute END,
        expires_at = CASE WHEN p_idle IS NULL THEN s.expires_at
                          ELSE least(clock_timestamp() + p_idle,
                                     s.ends_at - s.absolute + p_absolute) END
    WHERE s.ns = p_ns AND s.id = p_id;
    RETURN 'updated';
END $$;

-- Locks in the order of the ids, so that two that touch the same sessions do not deadlock.
CREATE FUNCTION "mcp".touch_sessions(p_ns bytea, p_ids bytea[])
RETURNS TABLE (touched bytea, current_version bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM "mcp".sessions s
    WHERE s.ns = p_ns AND s.id = ANY (p_ids) ORDER BY s.id FOR NO KEY UPDATE;
    RETURN QUERY
        UPDATE "mcp".sessions s SET expires_at = least(clock_timestamp() + s.idle, s.ends_at)
        WHERE s.ns = p_ns AND s.id = ANY (p_ids)
          AND s.record IS NOT NULL AND s.expires_at > clock_timestamp()
        RETURNING s.id, s.version;
END $$;
