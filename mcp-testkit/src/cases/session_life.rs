//! How long sessions live: ten minutes without use, an hour in all, unless told.

use std::slice::from_ref;

use mcp_core::store::{Caps, Created, SessionChange, SessionId, SessionStore, Ttl};

use crate::{
    Case, CaseResult, Harness,
    session::{MINUTE, TTL, alice, create, ids, load, record, record_of},
};

pub async fn ss_13_an_expired_session_is_not_loaded<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    create(&store, &record("s")?).await?;
    case.advance(MINUTE * 9).await?;
    assert!(load(&store, "s").await?.is_some(), "gone too early");
    case.advance(MINUTE).await?;
    assert!(load(&store, "s").await?.is_none(), "there too long");
    assert!(load(&other, "s").await?.is_none(), "there too long");
    Ok(())
}

pub async fn ss_15_touch_starts_the_idle_time_again<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let version = create(&store, &record("s")?).await?;
    let asked = [SessionId::new("none"), SessionId::new("s")];
    for round in 0..3 {
        case.advance(MINUTE * 9).await?;
        let alive = other.touch(&asked).await?;
        assert_eq!(alive, [None, Some(version)], "round {round}");
    }
    case.advance(MINUTE * 9).await?;
    assert!(load(&store, "s").await?.is_some(), "gone too early");
    case.advance(MINUTE).await?;
    assert_eq!(store.touch(&asked).await?, [None, None]);
    assert_eq!(store.touch(&[]).await?, []);
    Ok(())
}

pub async fn ss_15_touch_does_not_lengthen_the_absolute_time<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    create(&store, &record("s")?).await?;
    let id = SessionId::new("s");
    for _ in 0..6 {
        case.advance(MINUTE * 9).await?;
        store.touch(from_ref(&id)).await?;
    }
    // 54 minutes have passed: the idle time alone would last until 64.
    case.advance(MINUTE * 5).await?;
    assert!(load(&store, "s").await?.is_some(), "gone too early");
    case.advance(MINUTE).await?;
    assert!(load(&store, "s").await?.is_none(), "there too long");
    assert_eq!(store.touch(from_ref(&id)).await?, [None]);
    Ok(())
}

pub async fn ss_16_neither_load_nor_update_changes_the_life_time<
    H: Harness<Store: SessionStore>,
>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let version = create(&store, &record("s")?).await?;
    case.advance(TTL.idle / 2).await?;
    load(&store, "s").await?;
    ids(&store).await?;
    let change = SessionChange::to(record("s")?);
    store.update(&SessionId::new("s"), version, &change).await?;
    case.advance(MINUTE * 4).await?;
    assert!(load(&store, "s").await?.is_some(), "gone too early");
    case.advance(MINUTE).await?;
    assert!(load(&store, "s").await?.is_none(), "there too long");
    Ok(())
}

/// Gives a session of five minutes another life time; it must then be gone at `end` and not before.
async fn with_another_life<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
    ttl: Ttl,
    end: u32,
) -> CaseResult {
    let store = case.open().await?;
    let version = create(&store, &record("s")?).await?;
    case.advance(MINUTE * 5).await?;
    let change = SessionChange::to(record("s")?).with_ttl(ttl);
    store.update(&SessionId::new("s"), version, &change).await?;
    case.advance(MINUTE * (end - 6)).await?;
    assert!(load(&store, "s").await?.is_some(), "gone too early");
    case.advance(MINUTE).await?;
    assert!(load(&store, "s").await?.is_none(), "there too long");
    Ok(())
}

pub async fn ss_16_an_update_may_give_another_idle_time<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let longer = Ttl {
        idle: MINUTE * 20,
        absolute: MINUTE * 60,
    };
    with_another_life(case, longer, 5 + 20).await
}

pub async fn ss_16_an_update_may_give_another_absolute_time<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let shorter = Ttl {
        idle: MINUTE * 50,
        absolute: MINUTE * 30,
    };
    with_another_life(case, shorter, 30).await
}

pub async fn ss_18_what_has_expired_is_invisible_before_it_is_swept<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: SessionStore>,
{
    let store = case.open().await?;
    let cap = Caps::none().per_principal(1);
    store
        .create(&record_of("old", &alice())?, TTL, &cap)
        .await?;
    case.advance(TTL.idle).await?;
    assert!(ids(&store).await?.is_empty(), "it is listed");
    assert!(load(&store, "old").await?.is_none(), "it is loaded");
    assert!(!store.delete(&SessionId::new("old")).await?);
    let new = store
        .create(&record_of("new", &alice())?, TTL, &cap)
        .await?;
    assert!(matches!(new, Created::Created(_)), "it is counted: {new:?}");
    assert_eq!(ids(&store).await?, ["new"]);
    Ok(())
}
