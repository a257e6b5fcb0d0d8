//! Where state lives: four small, object-safe traits, each with an in-memory implementation.
//!
//! The log is the truth, the wake-up is a hint: whoever waits for something reads a log from a
//! position; a [`Notifier`] only makes it look earlier than its poll would. [`Tail`] is that reading.
//!
//! # Contract
//!
//! Each trait numbers what it promises, so that a test, a comment and a bug report can name the same
//! sentence: `SS` for sessions, `EL` for logs, `BP` for wake-ups and what is built on them, `LS` for
//! leases. These hold for all of them:
//!
//! * while the backend is down every call fails before its deadline, with `Unavailable`
//!   when it was certainly not applied and `Unknown` when it may have been. None answers that
//!   something does not exist.
//! * when the backend is back, the next call succeeds.
//! * a failover loses nothing in silence: what is gone begins a new epoch, or its session is unknown.
//! * exhausted connections are `Unavailable`, never a deadlock.
//! * whoever drops a future leaves the state before or after the call, never between.
//! * no call blocks the thread it runs on.
//! * handles can be cloned and shared, and used from many tasks at once.
//! * neither errors nor `Debug` show payloads, whole session ids or passwords.
//! * the least rights that a backend documents are enough for all of this.
//! * two namespaces never touch each other.
//! * whatever brings a backend's schema up to date may run again, everywhere at once, and from
//!   where it was interrupted; it never goes back.
//! * any history of calls is answered as by the stores in memory.

mod append;
mod backend;
mod caching;
pub mod codec;
mod error;
mod event;
mod lease;
pub mod memory;
mod notify;
mod observed;
mod reach;
mod reader;
mod session;
mod topic;

pub use self::{
    append::{Append, Appended, Retention},
    backend::Backend,
    caching::{CachingEventStore, CachingSessionStore},
    error::{StoreError, StoreErrorKind},
    event::{
        BROADCAST_LOGS, Epoch, Event, EventStore, Head, InstanceId, LogKey, Position, Read,
        ReadLimit, Sealed, Sealing,
    },
    lease::{Fence, Lease, LeaseStore, MAX_FACTS},
    memory::{MemoryEventStore, MemoryLeaseStore, MemoryNotifier, MemorySessionStore},
    notify::{Audience, Listener, Notifier, WakeUp},
    observed::Observed,
    reach::reach,
    reader::{Attached, From, Generation, ReaderId},
    session::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore, Ttl,
        Version, Versioned,
    },
    topic::{Tail, TailEvent},
};
