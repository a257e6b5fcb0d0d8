//! The bodies of the cases. A case states one rule, opens its own handles and depends on nothing else.

pub mod event;
pub mod lease;
pub mod session;
pub mod topic;
