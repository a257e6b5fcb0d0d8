//! Clients whose traffic can be checked, before instances that are killed, drained and restarted,
//! and a store that comes and goes.
//!
//! [`plan`] says what is done next, [`job`] does it, [`clients`] are the process that judges.

mod clients;
mod job;
mod plan;

pub(crate) use self::{
    job::{LEASE, Options, run, short},
    plan::Plan,
};
