//! What strangers may send, as functions of bytes: whatever the bytes are, nothing panics, nothing is
//! answered with an error of ours, and the next message is served.
//!
//! libFuzzer calls them with bytes that find new ways through the code (`fuzz/libfuzzer/fuzz_targets`); the test
//! `smoke` calls them with altered seeds.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a finding is a panic"
)]

mod http;
mod lines;
pub mod seeds;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

pub use self::{
    http::{event_ids, headers},
    lines::lines,
};

/// Reads a message, or a batch of them.
pub fn jsonrpc(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    if let Err(error) = mcp_core::jsonrpc::parse(&bytes) {
        assert!(matches!(error.error.code.0, -32700 | -32600), "{error:?}");
    }
}

/// One thread, which libFuzzer wants; timers stand still unless everything waits.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
}
