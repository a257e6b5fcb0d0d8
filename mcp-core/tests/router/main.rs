//! The router as its users see it: a tower service from requests to answers.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "parameters are written where they are passed"
)]

mod calls;
mod filters;
mod layers;
mod pages;
mod prompts;
mod resources;
mod tools;
#[cfg(feature = "validate")]
mod validate;
