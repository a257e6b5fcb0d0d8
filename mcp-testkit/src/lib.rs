//! The suites that every store of [`mcp_core`] must pass, and what helps to test with faults.
//!
//! A backend implements [`Harness`] in its own tests and names a suite; each rule becomes one test:
//!
//! ```
//! use std::time::Duration;
//!
//! use mcp_core::{BoxError, store::MemorySessionStore};
//! use mcp_testkit::{Harness, Namespace};
//!
//! struct Mine;
//!
//! impl Harness for Mine {
//!     type Store = MemorySessionStore;
//!
//!     async fn open(&self, namespace: &Namespace) -> Result<Self::Store, BoxError> {
//!         # drop(namespace);
//!         Ok(MemorySessionStore::new())
//!     }
//!
//!     async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
//!         # let _ = (namespace, by);
//!         Ok(())
//!     }
//! }
//!
//! mod session_store {
//!     mcp_testkit::session_store_tests! {
//!         harness: super::Mine,
//!         with: [],
//!         without: {
//!             outage: "it is in this process",
//!             damage: "it keeps no bytes",
//!             processes: "it is in this process",
//!             scan: "nobody else looks into it",
//!         },
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Rules are numbered as in the `# Contract` sections of the traits, and a test's name begins with
//! the number of its promise: `session_store::ss_02_only_one_create_wins`.
//!
//! # What the kit insists on
//!
//! * A backend that cannot be reached is a failure, never a skip.
//! * Each case has a [`Namespace`] of its own. Opened twice, it is as two processes on one state; the
//!   cases of `processes` start a second one, which is the test program again.
//! * No case sleeps: [`Harness::advance`] moves deadlines.
//! * A capability that a backend does not have is disclaimed with a reason, and its tests are listed
//!   as ignored.
//!
//! # Environment
//!
//! | variable | what it does |
//! |---|---|
//! | `MCP_TESTKIT_ROUNDS` | how often each race is run, 20 unless told |
//! | `MCP_TESTKIT_KEEP=1` | namespaces stay after their cases |
//! | `MCP_TESTKIT_REPORT` | a file to which every case adds a line of JSON |
//! | `MCP_TESTKIT_REDIS_URL`, `MCP_TESTKIT_POSTGRES_URL` | a running server, used instead of a private one |
//!
//! # Cancel safety
//!
//! Every public `async fn` says what is lost when its future is dropped.
//!
//! # Feature flags
//!
//! None.
//!
//! # Modules
//!
//! | module | what it is |
//! |---|---|
//! | [`session_store`], [`event_store`], [`topic`], [`lease_store`] | the suites as functions |
//! | [`session`] | sessions as the cases make them |
//! | [`fault`] | what breaks connections and calls |
//! | [`server`] | private Redis and PostgreSQL servers |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cancel;
mod capability;
mod case;
#[doc(hidden)]
pub mod cases;
mod claims;
mod dice;
pub mod fault;
mod harness;
mod macros;
mod namespace;
mod outage;
#[doc(hidden)]
pub mod peer;
mod promise;
mod race;
mod report;
mod rule;
pub mod server;
pub mod session;
mod settings;
mod shown;
mod suite;

pub use self::{
    cancel::drop_after_polls,
    capability::{Capability, Claims},
    case::{Case, CaseResult, run_case},
    harness::{Damage, Harness, NoDamage, NoOutage, NoScan},
    namespace::Namespace,
    promise::{Level, PROMISES, Promise},
    race::race,
    report::{Failure, Line, Outcome, Report},
    rule::Rule,
    suite::{event_store, lease_store, session_store, topic},
};

/// What the macros name.
#[doc(hidden)]
pub mod __private {
    pub use mcp_core::store::{EventStore, LeaseStore, SessionStore};

    pub use crate::{
        case::{run_case_in, run_claims, run_peer},
        topic::Topics,
    };
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
