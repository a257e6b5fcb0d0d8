//! The messages' types: the newest session-oriented revision, one file per family of methods.
//!
//! Names are those of the specification's schema. What an older revision does not know is left out
//! when a message is written for it; [`Revision::rules`] is the one table of these differences.

mod initialize;
mod logging;
mod method;
mod revision;

pub use self::{
    initialize::{ClientCapabilities, Implementation},
    logging::LoggingLevel,
    method::Method,
    revision::{ArgumentErrors, Revision, Rules},
};
