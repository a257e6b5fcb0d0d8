//! The bodies of the cases. A case states one rule, opens its own handles and depends on nothing else.

pub mod event;
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
