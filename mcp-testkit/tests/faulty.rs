//! A faulty store misbehaves as planned, and else does right.

use std::{sync::Arc, time::Duration};

use mcp_core::{
    BoxError,
    store::{
        Caps, LeaseStore, MemoryLeaseStore, MemorySessionStore, SessionId, SessionStore,
        StoreErrorKind,
    },
};
use mcp_testkit::{
    Harness, Namespace, Outcome, drop_after_polls,
    fault::{FaultPlan, Faulty, Op},
    session::{TTL, create, load, record},
    session_store,
};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn only_the_nth_call_fails() -> Result<(), BoxError> {
    let plan = FaultPlan::none()
        .on(Op::Delete)
        .nth(2)
        .fail(StoreErrorKind::Unavailable);
    let store = Faulty::new(MemorySessionStore::new(), plan);
    create(&store, &record("s")?).await?;
    let id = SessionId::new("s");
    assert!(!store.delete(&SessionId::new("other")).await?);
    let failed = store.delete(&id).await.map_err(|error| error.kind());
    assert_eq!(failed, Err(StoreErrorKind::Unavailable));
    assert!(load(&store, "s").await?.is_some(), "it was deleted");
    assert!(store.clone().delete(&id).await?);
    assert_eq!(store.calls()[..3], [Op::Create, Op::Delete, Op::Delete]);
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_done() -> Result<(), BoxError> {
    let plan = FaultPlan::none().on(Op::Hold).nth(1).lose_reply();
    let store = Faulty::new(MemoryLeaseStore::new(), plan);
    let lost = store.hold("n", "a", MINUTE, b"").await;
    assert_eq!(
        lost.map_err(|error| error.kind()),
        Err(StoreErrorKind::Unknown)
    );
    assert_eq!(store.hold("n", "b", MINUTE, b"").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_call_that_hangs_does_nothing() -> Result<(), BoxError> {
    let plan = FaultPlan::none().on(Op::Create).hang();
    let store = Faulty::new(MemorySessionStore::new(), plan);
    let (record, caps) = (record("s")?, Caps::none());
    let hung = store.create(&record, TTL, &caps);
    assert!(drop_after_polls(hung, 1).await.is_none());
    assert!(load(&store, "s").await?.is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_is_done_later() -> Result<(), BoxError> {
    let plan = FaultPlan::none().on(Op::Load).delay(MINUTE);
    let store = Faulty::new(MemorySessionStore::new(), plan);
    let before = Instant::now();
    assert!(load(&store, "s").await?.is_none());
    assert!(before.elapsed() >= MINUTE);
    Ok(())
}

/// Stores without a planned fault are good ones.
struct Unharmed(Arc<MemorySessionStore>);

impl Harness for Unharmed {
    type Store = Faulty<MemorySessionStore>;

    async fn open(&self, _: &Namespace) -> Result<Self::Store, BoxError> {
        let store = MemorySessionStore::clone(&self.0);
        Ok(Faulty::new(store, FaultPlan::none()))
    }

    async fn advance(&self, _: &Namespace, _: Duration) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_plan_it_keeps_the_rules() {
    let names = ["ss_02", "ss_05", "ss_06", "ss_08", "ss_28", "x_09"];
    let rules = session_store::RULES.iter();
    // It is in the memory of this process.
    let rules = rules.filter(|rule| rule.needs.is_none());
    for rule in rules.filter(|rule| names.iter().any(|name| rule.name.starts_with(name))) {
        let harness = Unharmed(Arc::default());
        let outcome = session_store::run(&harness, rule).await;
        assert_eq!(outcome, Outcome::Passed, "{}", rule.name);
    }
}
