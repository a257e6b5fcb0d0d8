//! When a call fails, and how: [`FaultPlan`].

use std::time::Duration;

use mcp_core::store::StoreErrorKind;

/// A call of a store, in all its traits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// `SessionStore::create`
    Create,
    /// `SessionStore::load`
    Load,
    /// `SessionStore::update`
    Update,
    /// `SessionStore::touch`
    Touch,
    /// `SessionStore::delete`
    Delete,
    /// `SessionStore::list`
    ListSessions,
    /// `SessionStore::sweep`
    SweepSessions,
    /// `EventStore::append`
    Append,
    /// `EventStore::attach`
    Attach,
    /// `EventStore::read`
    Read,
    /// `EventStore::heads`
    Heads,
    /// `EventStore::seal`
    Seal,
    /// `EventStore::purge`
    Purge,
    /// `EventStore::sweep`
    SweepLogs,
    /// `Notifier::publish`
    Publish,
    /// `Notifier::listen`
    Listen,
    /// `LeaseStore::hold`
    Hold,
    /// `LeaseStore::renew`
    Renew,
    /// `LeaseStore::release`
    Release,
    /// `LeaseStore::list`
    ListLeases,
}

impl Op {
    /// The name that errors of the call carry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "session.create",
            Self::Load => "session.load",
            Self::Update => "session.update",
            Self::Touch => "session.touch",
            Self::Delete => "session.delete",
            Self::ListSessions => "session.list",
            Self::SweepSessions => "session.sweep",
            Self::Append => "event.append",
            Self::Attach => "event.attach",
            Self::Read => "event.read",
            Self::Heads => "event.heads",
            Self::Seal => "event.seal",
            Self::Purge => "event.purge",
            Self::SweepLogs => "event.sweep",
            Self::Publish => "notify.publish",
            Self::Listen => "notify.listen",
            Self::Hold => "lease.hold",
            Self::Renew => "lease.renew",
            Self::Release => "lease.release",
            Self::ListLeases => "lease.list",
        }
    }
}

/// How a call misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Fail(StoreErrorKind),
    Delay(Duration),
    Hang,
    LoseReply,
}

/// Which calls misbehave, and how. It begins with none.
///
/// ```
/// use mcp_core::store::StoreErrorKind;
/// use mcp_testkit::fault::{FaultPlan, Op};
///
/// let plan = FaultPlan::none()
///     .on(Op::Load).nth(2).fail(StoreErrorKind::Unavailable)
///     .on(Op::Append).lose_reply();
/// # drop(plan);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Vec<Entry>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    op: Op,
    nth: Option<u64>,
    fault: Fault,
}

impl FaultPlan {
    /// Everything works.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Begins a fault of `op`: of every such call, unless [`Trigger::nth`] names one.
    pub fn on(self, op: Op) -> Trigger {
        Trigger {
            plan: self,
            op,
            nth: None,
        }
    }

    /// The fault of the call number `number` of `op`. The first that fits counts.
    pub(super) fn fault(&self, op: Op, number: u64) -> Option<Fault> {
        let fits = |entry: &&Entry| entry.op == op && entry.nth.is_none_or(|nth| nth == number);
        self.0.iter().find(fits).map(|entry| entry.fault)
    }
}

/// A fault that is not yet said to the end.
#[derive(Clone, Debug)]
#[must_use = "say how the call misbehaves"]
pub struct Trigger {
    plan: FaultPlan,
    op: Op,
    nth: Option<u64>,
}

impl Trigger {
    /// Only the nth call misbehaves; the first is 1.
    pub fn nth(mut self, number: u64) -> Self {
        self.nth = Some(number);
        self
    }

    /// It fails and does nothing.
    #[must_use]
    pub fn fail(self, kind: StoreErrorKind) -> FaultPlan {
        self.with(Fault::Fail(kind))
    }

    /// It takes this much longer.
    #[must_use]
    pub fn delay(self, time: Duration) -> FaultPlan {
        self.with(Fault::Delay(time))
    }

    /// It does nothing and never ends.
    #[must_use]
    pub fn hang(self) -> FaultPlan {
        self.with(Fault::Hang)
    }

    /// It is done, and fails as `Unknown`: the reply was lost.
    #[must_use]
    pub fn lose_reply(self) -> FaultPlan {
        self.with(Fault::LoseReply)
    }

    fn with(mut self, fault: Fault) -> FaultPlan {
        let Self { op, nth, .. } = self;
        self.plan.0.push(Entry { op, nth, fault });
        self.plan
    }
}
