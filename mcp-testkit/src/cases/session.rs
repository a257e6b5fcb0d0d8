//! Sessions: creating and changing them.

use mcp_core::store::{
    Caps, Created, SessionChange, SessionId, SessionStore, StoreErrorKind, Version,
};

use crate::{
    Case, CaseResult, Harness, race,
    session::{TTL, bytes, create, load, record},
};

pub async fn ss_02_only_one_create_wins<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: SessionStore>,
{
    let handles = case.crowd(8).await?;
    for round in 0..case.rounds() {
        let id = format!("s{round}");
        let mut records = Vec::new();
        for worker in 0..8 {
            let mut record = record(&id)?;
            record.subscriptions.insert(format!("by {worker}"));
            records.push(record);
        }
        let given = records.clone();
        let answers = race(handles.clone(), |worker, store| {
            let record = given[worker].clone();
            async move { store.create(&record, TTL, &Caps::none()).await }
        });
        let answers: Vec<_> = answers.await.into_iter().collect::<Result<_, _>>()?;
        let is_winner = |answer: &Created| matches!(answer, Created::Created(_));
        let winner = answers.iter().position(is_winner);
        let winner = winner.ok_or("no create succeeded")?;
        let losers = answers.iter().filter(|answer| **answer == Created::Exists);
        assert_eq!(losers.count(), 7, "{answers:?}");
        let found = load(&*handles[0], &id).await?.ok_or("the winner is gone")?;
        assert_eq!(bytes(&found.record)?, bytes(&records[winner])?);
    }
    Ok(())
}

pub async fn ss_05_a_stale_version_conflicts<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: SessionStore>,
{
    let store = case.open().await?;
    let first = create(&store, &record("s")?).await?;
    let mut changed = record("s")?;
    changed.initialized = true;
    let (id, change) = (SessionId::new("s"), SessionChange::to(changed));
    let second = Version(first.0 + 1);
    assert_eq!(store.update(&id, first, &change).await?, Some(second));
    let late = SessionChange::to(record("s")?);
    for stale in [Version(first.0 - 1), first, Version(second.0 + 1)] {
        let answer = store.update(&id, stale, &late).await;
        let kind = answer.map_err(|error| error.kind());
        assert_eq!(kind, Err(StoreErrorKind::Conflict), "{stale:?}");
    }
    let found = load(&store, "s").await?.ok_or("the session is gone")?;
    assert!(found.record.initialized, "a refused update was written");
    assert_eq!(found.version, second);
    Ok(())
}
