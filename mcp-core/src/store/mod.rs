//! Where state lives: four small, object-safe traits, each with an in-memory implementation.
//!
//! The log is the truth, the wake-up is a hint: whoever waits for something reads a log from a
//! position; a [`Notifier`] only makes it look earlier than its poll would.

mod error;
mod event;
mod lease;
pub mod memory;
mod notify;
mod session;

pub use self::{
    error::{StoreError, StoreErrorKind},
    event::{
        Append, Appended, Attached, BROADCAST_LOGS, Epoch, Event, EventStore, From, Generation,
        Head, InstanceId, LogKey, Position, Read, ReadLimit, ReaderId, Retention, Sealed,
    },
    lease::{Fence, Lease, LeaseStore, MAX_FACTS},
    memory::{MemoryEventStore, MemoryLeaseStore, MemoryNotifier, MemorySessionStore},
    notify::{Audience, Listener, Notifier, WakeUp},
    session::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore, Ttl,
        Version, Versioned,
    },
};
