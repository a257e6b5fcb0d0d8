-- Leases.

-- The new fence; NULL while somebody holds the name. p_lock belongs to the name: a fence is drawn
-- while it is held, so that fences of a name grow in the order of its holders. They are at least the
-- time, so that they also grow when a failover lost the last ones.
CREATE FUNCTION "mcp".hold_lease(
    p_ns bytea, p_key bytea, p_name bytea, p_lock bigint,
    p_holder bytea, p_ttl interval, p_facts bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    drawn bigint;
    taken bigint;
    at timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(p_lock);
    at := clock_timestamp();
    drawn := nextval('"mcp".fences');
    IF drawn < "mcp".microseconds() THEN
        drawn := setval('"mcp".fences', "mcp".microseconds());
    END IF;
    INSERT INTO "mcp".leases AS l (ns, key, name, holder, fence, facts, expires_at)
    VALUES (p_ns, p_key, p_name, p_holder, drawn, p_facts, at + p_ttl)
    ON CONFLICT (ns, key) DO UPDATE SET
        holder = excluded.holder, fence = excluded.fence, facts = excluded.facts,
        expires_at = excluded.expires_at
    WHERE l.expires_at <= clock_timestamp()
    RETURNING l.fence INTO taken;
    -- Each new one frees a few that have ended.
    DELETE FROM "mcp".leases l WHERE l.ctid = ANY (ARRAY(
        SELECT e.ctid FROM "mcp".leases e WHERE e.ns = p_ns AND e.expires_at <= at
        ORDER BY e.expires_at LIMIT 4 FOR UPDATE SKIP LOCKED));
    RETURN taken;
END $$;
