-- The tables. Every key begins with the namespace, so that several share one schema.
-- Names are bytes: their order is that of bytes, and they may hold any character.
-- A deadline stands in one column and nowhere else, and is compared with clock_timestamp().

CREATE TABLE "mcp".sessions (
    ns          bytea       NOT NULL,
    id          bytea       NOT NULL,
    record      bytea,                 -- as mcp_core::store::codec writes it; NULL is a tombstone
    version     bigint      NOT NULL,
    owner       bytea,                 -- a digest of issuer and subject; NULL is nobody
    created_at  timestamptz NOT NULL,
    idle        interval    NOT NULL,
    absolute    interval    NOT NULL,
    ends_at     timestamptz NOT NULL,  -- the end of the absolute time
    expires_at  timestamptz NOT NULL,  -- from here on it is as if the row were not there
    PRIMARY KEY (ns, id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX sessions_owner ON "mcp".sessions (ns, owner) WHERE owner IS NOT NULL;
CREATE INDEX sessions_expiry ON "mcp".sessions (ns, expires_at);

-- The head of each log. Whoever appends locks it, so that positions become visible in their order.
CREATE TABLE "mcp".logs (
    ns                bytea       NOT NULL,
    key               bytea       NOT NULL,
    session           bytea,                -- of a stream log: what purge goes by
    log               bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    epoch             bigint      NOT NULL, -- the 64 bits of a random unsigned number
    seq               bigint      NOT NULL DEFAULT 0,
    floor             bigint      NOT NULL DEFAULT 0,
    bytes             bigint      NOT NULL DEFAULT 0,
    keep_events       bigint,               -- NULL, as the next two: no such bound
    keep_bytes        bigint,
    keep_age          interval,
    reader_instance   bytea,
    reader_connection bigint,
    generation        bigint      NOT NULL DEFAULT 0,
    acked_epoch       bigint      NOT NULL DEFAULT 0,
    acked_seq         bigint      NOT NULL DEFAULT 0,
    sealed            boolean     NOT NULL DEFAULT false,
    expires_at        timestamptz,          -- when the log vanishes; NULL is never
    sweep_at          timestamptz,          -- not after the first moment there is something to free
    PRIMARY KEY (ns, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX logs_session ON "mcp".logs (ns, session) WHERE session IS NOT NULL;
CREATE INDEX logs_sweep ON "mcp".logs (ns, sweep_at) WHERE sweep_at IS NOT NULL;

CREATE TABLE "mcp".events (
    log             bigint      NOT NULL,
    seq             bigint      NOT NULL,
    payload         bytea       NOT NULL,
    written_at      timestamptz NOT NULL,
    idempotency_key bytea,                  -- of the batch that ends here
    batch_digest    bytea,
    PRIMARY KEY (log, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE UNIQUE INDEX events_key ON "mcp".events (log, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Sessions that take no stream logs for a while.
CREATE TABLE "mcp".purges (
    ns          bytea       NOT NULL,
    session     bytea       NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (ns, session)
);

CREATE INDEX purges_expiry ON "mcp".purges (ns, expires_at);

CREATE TABLE "mcp".leases (
    ns          bytea       NOT NULL,
    key         bytea       NOT NULL,
    name        bytea       NOT NULL,
    holder      bytea       NOT NULL,
    fence       bigint      NOT NULL,
    facts       bytea       NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (ns, key)
);

CREATE INDEX leases_expiry ON "mcp".leases (ns, expires_at);

-- One for all names, so that a name may be forgotten and its fences still grow.
CREATE SEQUENCE "mcp".fences;

-- What grows also when everything was lost.
CREATE FUNCTION "mcp".microseconds() RETURNS bigint LANGUAGE sql AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;
