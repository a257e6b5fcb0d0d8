//! Sessions that are deleted, and what is swept.

use mcp_core::store::{Caps, Created, SessionChange, SessionId, SessionStore, Version};

use crate::{
    Case, CaseResult, Harness, race,
    session::{TTL, alice, create, ids, load, record, record_of},
};

pub async fn ss_08_delete_wins_over_a_late_update<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    create(&store, &record("s")?).await?;
    let held = load(&other, "s").await?.ok_or("the session is missing")?;
    let id = SessionId::new("s");
    assert!(store.delete(&id).await?);
    let change = SessionChange::to(held.record).with_ttl(TTL);
    assert_eq!(other.update(&id, held.version, &change).await?, None);
    assert_eq!(other.touch(std::slice::from_ref(&id)).await?, [None]);
    assert!(load(&other, "s").await?.is_none());
    assert!(ids(&store).await?.is_empty());
    Ok(())
}

pub async fn ss_08_nothing_that_races_a_delete_brings_the_session_back<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: SessionStore>,
{
    let handles = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let id = SessionId::new(format!("s{round}"));
        let record = record(id.as_str())?;
        let version = create(&*handles[0], &record).await?;
        let answers = race(handles.clone(), |worker, store| {
            let (id, record) = (id.clone(), record.clone());
            async move {
                let change = SessionChange::to(record.clone()).with_ttl(TTL);
                match worker {
                    0 => store.delete(&id).await.map(drop),
                    1 => store.create(&record, TTL, &Caps::none()).await.map(drop),
                    2 => store.touch(&[id]).await.map(drop),
                    _ => store.update(&id, version, &change).await.map(drop),
                }
            }
        });
        for answer in answers.await {
            answer?;
        }
        for store in &handles {
            assert!(store.load(&id).await?.is_none(), "round {round}");
        }
    }
    Ok(())
}

pub async fn ss_11_delete_leaves_a_tombstone_only<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let cap = Caps::none().per_principal(1);
    let first = record_of("a", &alice())?;
    let created = store.create(&first, TTL, &cap).await?;
    assert!(matches!(created, Created::Created(_)), "{created:?}");
    assert!(other.delete(&SessionId::new("a")).await?);
    assert!(ids(&store).await?.is_empty());
    assert!(load(&store, "a").await?.is_none());
    // Its place under the cap is free.
    let next = store.create(&record_of("b", &alice())?, TTL, &cap).await?;
    assert!(matches!(next, Created::Created(_)), "{next:?}");
    let third = store.create(&record_of("c", &alice())?, TTL, &cap).await?;
    assert_eq!(third, Created::LimitExceeded);
    Ok(())
}

pub async fn ss_19_a_sweep_is_bounded_and_spares_the_living<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for number in 0..20 {
        create(&store, &record(&format!("s{number:02}"))?).await?;
    }
    case.advance(TTL.idle / 2).await?;
    let kept = [SessionId::new("s03"), SessionId::new("s07")];
    store.touch(&kept).await?;
    case.advance(TTL.idle / 2).await?;
    let mut freed = 0;
    for round in 0.. {
        let store = if round % 2 == 0 { &store } else { &other };
        let now = store.sweep(5).await?;
        assert!(now <= 5, "{now} freed");
        freed += now;
        if now == 0 {
            break;
        }
    }
    assert!(freed <= 18, "{freed} freed of 18");
    assert_eq!(ids(&store).await?, ["s03", "s07"]);
    assert_eq!(store.touch(&kept).await?, [Some(Version(1)); 2]);
    Ok(())
}

pub async fn ss_19_sweeps_may_run_everywhere_at_once<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(6).await?;
    let living: Vec<_> = (0..10).map(|n| SessionId::new(format!("l{n}"))).collect();
    for number in 0..10 {
        create(&*handles[0], &record(&format!("l{number}"))?).await?;
        create(&*handles[0], &record(&format!("d{number}"))?).await?;
    }
    case.advance(TTL.idle * 9 / 10).await?;
    handles[0].touch(&living).await?;
    case.advance(TTL.idle * 9 / 10).await?;
    let answers = race(handles.clone(), |worker, store| {
        let living = living.clone();
        async move {
            if worker % 3 == 0 {
                return store.touch(&living).await.map(drop);
            }
            while store.sweep(3).await? > 0 {}
            Ok(())
        }
    });
    for answer in answers.await {
        answer?;
    }
    let expected: Vec<_> = living.iter().map(ToString::to_string).collect();
    assert_eq!(ids(&*handles[1]).await?, expected);
    Ok(())
}
