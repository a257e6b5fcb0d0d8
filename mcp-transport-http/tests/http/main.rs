//! The HTTP transport as its clients see it: one process, real sockets.

mod bad_input;
mod headers;
mod stream;
mod support;
mod unknown_session;
