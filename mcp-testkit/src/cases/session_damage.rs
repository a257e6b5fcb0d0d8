//! Sessions whose stored bytes are not what they should be.

use mcp_core::store::{
    SessionChange, SessionId, SessionStore, StoreError, StoreErrorKind, Version, Versioned,
};

use crate::{
    Case, CaseResult, Damage, Harness,
    session::{create, load, record},
};

/// Damages one of two sessions: calls about it must fail with `kind`, the other must be unharmed.
async fn damaged<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
    damage: Damage,
    kind: StoreErrorKind,
) -> CaseResult {
    let store = case.open().await?;
    create(&store, &record("bad")?).await?;
    create(&store, &record("good")?).await?;
    let id = SessionId::new("bad");
    case.damage(&id, damage).await?;
    let loaded = load(&store, "bad").await;
    assert_eq!(kind_of(loaded), Err(kind), "`load`");
    let change = SessionChange::to(record("bad")?);
    let updated = store.update(&id, Version(1), &change).await;
    if let Err(error) = updated {
        assert_eq!(error.kind(), kind, "`update`");
    }
    assert!(load(&store, "good").await?.is_some(), "the other is gone");
    // Whoever operates the server can get rid of it.
    assert!(store.delete(&id).await?);
    assert!(load(&store, "bad").await?.is_none());
    Ok(())
}

fn kind_of<T>(answer: Result<T, StoreError>) -> Result<(), StoreErrorKind> {
    answer.map(drop).map_err(|error| error.kind())
}

pub async fn ss_26_a_record_from_the_future_is_unsupported<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    damaged(case, Damage::FromTheFuture, StoreErrorKind::Unsupported).await
}

pub async fn ss_27_a_damaged_record_is_corrupt<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    damaged(case, Damage::Garbage, StoreErrorKind::Corrupt).await
}

pub async fn ss_27_what_cannot_be_read_is_left_out_of_lists<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    for id in ["a", "b", "c", "d", "e"] {
        create(&store, &record(id)?).await?;
    }
    for (id, damage) in [("b", Damage::Garbage), ("c", Damage::FromTheFuture)] {
        case.damage(&SessionId::new(id), damage).await?;
    }
    let ids = |page: Vec<Versioned>| page.into_iter().map(|found| found.record.id);
    let page: Vec<_> = ids(store.list(None, 2).await?).collect();
    assert_eq!(
        page,
        ["a", "d"].map(SessionId::new),
        "a page is full when it can be"
    );
    let page: Vec<_> = ids(store.list(page.last(), 2).await?).collect();
    assert_eq!(page, ["e"].map(SessionId::new));
    let all: Vec<_> = ids(store.list(None, 10).await?).collect();
    assert_eq!(all, ["a", "d", "e"].map(SessionId::new));
    Ok(())
}
