//! The bodies of the cases. A case states one rule, opens its own handles and depends on nothing else.

pub mod event_append;
pub mod event_cancel;
pub mod event_cross;
pub mod event_epoch;
pub mod event_isolate;
pub mod event_key;
pub mod event_model;
pub mod event_outage;
pub mod event_purge;
pub mod event_read;
pub mod event_reader;
pub mod event_seal;
mod event_support;
pub mod event_trim;
pub mod lease;
pub mod lease_outage;
pub mod lease_use;
pub mod session;
pub mod session_damage;
pub mod session_delete;
pub mod session_life;
pub mod session_model;
pub mod session_outage;
pub mod session_owner;
pub mod session_use;
pub mod topic;
