//! Sessions: dropped calls, many calls, and what errors show.

use std::{panic, slice::from_ref, thread};

use mcp_core::store::{
    Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError, Version,
};
use tokio::runtime;

use crate::{
    Case, CaseResult, Harness, drop_after_polls, race,
    session::{TTL, alice, create, ids, load, raw, record, record_of, text},
    shown::everything,
};

/// No call has more suspension points than this.
const MOST_POLLS: usize = 500;

/// A record with something in every part that could be forgotten half-way.
fn full(id: &str) -> Result<SessionRecord, mcp_core::BoxError> {
    let mut full = record_of(id, &alice())?;
    full.initialized = true;
    full.subscriptions.insert("file:///a".to_owned());
    full.data.insert("k".to_owned(), raw("[1, 2]")?);
    Ok(full)
}

pub async fn x_06_a_dropped_create_is_whole_or_not_at_all<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for polls in 0..MOST_POLLS {
        let record = full(&format!("s{polls}"))?;
        let cap = Caps::none().per_principal(1000);
        let created = drop_after_polls(store.create(&record, TTL, &cap), polls).await;
        let found = load(&other, record.id.as_str()).await?;
        if let Some(found) = &found {
            assert_eq!(text(&found.record)?, text(&record)?, "after {polls} polls");
        }
        // The handle can go on, with the same id, too.
        store.delete(&record.id).await?;
        assert!(load(&store, record.id.as_str()).await?.is_none());
        if let Some(answer) = created {
            answer?;
            assert!(found.is_some(), "it is done and there is nothing");
            return Ok(());
        }
    }
    Err("`create` never ended".into())
}

pub async fn x_06_a_dropped_update_is_whole_or_not_at_all<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for polls in 0..MOST_POLLS {
        let id = SessionId::new(format!("s{polls}"));
        let before = record_of(id.as_str(), &alice())?;
        let version = create(&store, &before).await?;
        let after = full(id.as_str())?;
        let change = SessionChange::to(after.clone());
        let updated = drop_after_polls(store.update(&id, version, &change), polls).await;
        let found = other.load(&id).await?.ok_or("the session is gone")?;
        let state = (found.version, text(&found.record)?);
        let is_before = state == (version, text(&before)?);
        let is_after = state == (Version(version.0 + 1), text(&after)?);
        assert!(is_before || is_after, "between the two after {polls} polls");
        // The handle can go on.
        assert!(store.delete(&id).await?);
        if let Some(answer) = updated {
            assert!(answer?.is_some() && is_after, "it is done and not written");
            return Ok(());
        }
    }
    Err("`update` never ended".into())
}

pub async fn x_06_a_dropped_delete_is_done_or_not<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for polls in 0..MOST_POLLS {
        let (id, owned) = (SessionId::new(format!("s{polls}")), format!("o{polls}"));
        create(&store, &full(id.as_str())?).await?;
        let deleted = drop_after_polls(store.delete(&id), polls).await;
        let found = other.load(&id).await?;
        // Deleting again is harmless, and finishes what was left.
        store.delete(&id).await?;
        assert!(other.load(&id).await?.is_none(), "after {polls} polls");
        // Its owner has its place back.
        let one = Caps::none().per_principal(1);
        let next = store.create(&full(&owned)?, TTL, &one).await?;
        assert!(matches!(next, Created::Created(_)), "{next:?}");
        store.delete(&SessionId::new(owned)).await?;
        if let Some(answer) = deleted {
            assert!(
                answer? && found.is_none(),
                "it is done and the session is there"
            );
            return Ok(());
        }
    }
    Err("`delete` never ended".into())
}

/// Makes every call once.
async fn use_every_call(store: &impl SessionStore) -> CaseResult {
    let id = SessionId::new("s");
    let version = create(store, &full("s")?).await?;
    store.load(&id).await?;
    let change = SessionChange::to(full("s")?);
    store.update(&id, version, &change).await?;
    store.touch(from_ref(&id)).await?;
    assert_eq!(ids(store).await?, ["s"]);
    assert!(store.delete(&id).await?);
    store.sweep(10).await?;
    Ok(())
}

pub async fn x_08_one_thread_is_enough<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let on_one_thread = || -> CaseResult {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async { use_every_call(&case.open().await?).await })
    };
    let ended = thread::scope(|scope| scope.spawn(on_one_thread).join());
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

pub async fn x_09_a_thousand_calls_at_once<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(1000).await?;
    for number in 0..10 {
        create(&*handles[0], &record(&format!("s{number}"))?).await?;
    }
    let answers = race(handles, |worker, store| async move {
        let id = SessionId::new(format!("s{}", worker % 10));
        match worker % 3 {
            0 => Ok::<_, StoreError>(store.load(&id).await?.is_some()),
            1 => Ok(store.touch(&[id]).await?[0].is_some()),
            _ => Ok(store.list(None, 10).await?.len() == 10),
        }
    });
    for answer in answers.await {
        assert!(answer?, "a session was not seen");
    }
    Ok(())
}

pub async fn x_10_errors_show_no_session<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let id = SessionId::new("confidential");
    let mut written = record_of("confidential", &alice())?;
    written.data.insert("k".to_owned(), raw("\"classified\"")?);
    let version = create(&store, &written).await?;
    let late = SessionChange::to(written.clone());
    let conflict = store.update(&id, Version(version.0 + 7), &late).await;
    written.principal = None;
    let foreign = SessionChange::to(written.clone());
    let invalid = store.update(&id, version, &foreign).await;
    let errors = [conflict.err(), invalid.err()];
    let mut shown = format!("{:?}", store.load(&id).await?);
    for error in errors {
        shown += &everything(&error.ok_or("there is no error")?);
    }
    for hidden in ["confidential", "classified", "alice", "[7, 7"] {
        assert!(!shown.contains(hidden), "`{hidden}` in {shown}");
    }
    Ok(())
}
