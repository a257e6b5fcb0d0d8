//! What the benchmarks share: the server that is measured, the bare axum handlers it is compared
//! with, the requests that both are sent, and processes and connections to send them.

pub mod catalogue;
pub mod process;
pub mod serve;
pub mod wire;
pub mod work;
pub mod yardstick;
