//! The lists of rules, one for each trait, and their function form.
//!
//! A line of a list is `case_name: "PROMISE-ID, .." "the rule in one sentence";`. It stands in a group
//! `section file { .. }`: the section is `always` or the capability that the cases need, the file is
//! the one in `cases/` that they stand in.

pub mod event_store;
pub mod lease_store;
pub mod session_store;
pub mod topic;
