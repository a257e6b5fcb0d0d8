//! HTTP over a socket as its clients see it: what `mcp-transport-http` is tested by, at another place.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../../../mcp-transport-http/tests/http/bad_input.rs"]
mod bad_input;
#[path = "../../../mcp-transport-http/tests/http/batches.rs"]
mod batches;
#[path = "../../../mcp-transport-http/tests/http/both_eras.rs"]
mod both_eras;
#[path = "../../../mcp-transport-http/tests/http/cancel.rs"]
mod cancel;
#[path = "../../../mcp-transport-http/tests/http/counted.rs"]
mod counted;
#[path = "../../../mcp-transport-http/tests/http/drain.rs"]
mod drain;
#[path = "../../../mcp-transport-http/tests/http/gate.rs"]
mod gate;
#[path = "../../../mcp-transport-http/tests/http/get_stream.rs"]
mod get_stream;
#[path = "../../../mcp-transport-http/tests/http/headers.rs"]
mod headers;
#[path = "../../../mcp-transport-http/tests/http/mirrored.rs"]
mod mirrored;
mod place;
#[path = "../../../mcp-transport-http/tests/http/resume.rs"]
mod resume;
#[path = "../../../mcp-transport-http/tests/http/revisions.rs"]
mod revisions;
#[path = "../../../mcp-transport-http/tests/http/session_life.rs"]
mod session_life;
#[path = "../../../mcp-transport-http/tests/http/sessionless.rs"]
mod sessionless;
#[path = "../../../mcp-transport-http/tests/http/sessions.rs"]
mod sessions;
#[path = "../../../mcp-transport-http/tests/http/sessions_off.rs"]
mod sessions_off;
#[path = "../../../mcp-transport-http/tests/http/stream.rs"]
mod stream;
#[path = "../../../mcp-transport-http/tests/http/support.rs"]
mod support;
#[path = "../../../mcp-transport-http/tests/http/unknown_session.rs"]
mod unknown_session;
