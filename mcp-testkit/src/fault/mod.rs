//! What breaks on purpose: calls of a store, and the wire to a backend.

mod cutter;
mod faulty;
mod plan;

pub use self::{
    cutter::Cutter,
    faulty::Faulty,
    plan::{FaultPlan, Op, Trigger},
};
