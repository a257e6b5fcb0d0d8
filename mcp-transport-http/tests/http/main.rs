//! The HTTP transport as its clients see it: one process, real sockets.

mod stream;
mod support;
