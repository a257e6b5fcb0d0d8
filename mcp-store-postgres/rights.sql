-- What the role of a server needs when another one brings the schema up to date: connect as that
-- other role once after each upgrade, then run this with psql, and start the servers with
-- `.migrate(false)`. The role here is mcp_server, the schema mcp.

GRANT USAGE ON SCHEMA "mcp" TO mcp_server;
GRANT SELECT ON "mcp".migrations TO mcp_server;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON "mcp".sessions, "mcp".logs, "mcp".events, "mcp".purges, "mcp".leases TO mcp_server;
GRANT UPDATE ON SEQUENCE "mcp".fences TO mcp_server;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "mcp" TO mcp_server;
