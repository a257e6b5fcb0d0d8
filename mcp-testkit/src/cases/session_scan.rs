//! What sessions leave in the backend.

use mcp_core::store::{SessionChange, SessionId, SessionStore, Version};

use crate::{
    Case, CaseResult, Harness,
    session::{DAY, TTL, alice, create, record, record_of},
};

const SESSIONS: u64 = 10;

async fn sweep(store: &impl SessionStore) -> CaseResult {
    while store.sweep(100).await? > 0 {}
    Ok(())
}

pub async fn ss_11_deleted_sessions_leave_tombstones_and_then_nothing<
    H: Harness<Store: SessionStore>,
>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let before = case.held().await?;
    let ids = (0..SESSIONS).map(|n| SessionId::new(format!("s{n}")));
    let ids: Vec<_> = ids.collect();
    for id in &ids {
        create(&store, &record(id.as_str())?).await?;
        let change = SessionChange::to(record(id.as_str())?).with_ttl(TTL);
        store.update(id, Version(1), &change).await?;
    }
    store.touch(&ids).await?;
    let with_all = case.held().await?;
    assert!(
        with_all >= before + SESSIONS,
        "{with_all} held, {before} before"
    );
    for id in &ids {
        assert!(other.delete(id).await?);
    }
    let tombstones = case.held().await?;
    assert!(
        tombstones <= before + SESSIONS,
        "{tombstones} held, {before} before"
    );
    case.advance(DAY).await?;
    sweep(&store).await?;
    assert_eq!(case.held().await?, before);
    Ok(())
}

pub async fn ss_19_expired_sessions_are_swept_away_whole<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let before = case.held().await?;
    for n in 0..SESSIONS {
        create(&store, &record_of(&format!("s{n}"), &alice())?).await?;
    }
    assert!(case.held().await? >= before + SESSIONS);
    case.advance(DAY).await?;
    sweep(&store).await?;
    assert_eq!(case.held().await?, before);
    Ok(())
}
