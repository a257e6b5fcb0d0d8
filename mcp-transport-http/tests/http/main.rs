//! The HTTP transport as its clients see it: one process, real sockets.

mod bad_input;
mod batches;
mod cancel;
mod gate;
mod get_stream;
mod headers;
mod hostile;
mod origin;
mod resume;
mod revisions;
mod serving;
mod session_life;
mod sessions;
mod sessions_off;
mod stream;
mod support;
mod unknown_session;
