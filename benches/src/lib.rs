//! What the benchmarks share: the server that is measured, the bare axum handlers it is compared
//! with, and the requests that both are sent.

pub mod catalogue;
pub mod serve;
pub mod work;
pub mod yardstick;
