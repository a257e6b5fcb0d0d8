//! Writing under idempotency keys.

use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, EventStore, InstanceId, LogKey, Position, Retention, StoreError,
    StoreErrorKind,
};

use super::event_support::{
    ALL, MINUTE, all_texts, append, append_keeping, failure, kept_texts, payloads, stream,
};
use crate::{Case, CaseResult, Harness, drop_after_polls, race};

async fn keyed(
    store: &dyn EventStore,
    log: &LogKey,
    key: &str,
    texts: &[&str],
) -> Result<Appended, StoreError> {
    let events = payloads(texts);
    store.append(log, Append::new(&events, ALL).key(key)).await
}

pub async fn el_05_a_known_key_is_not_appended_again<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Inbox(InstanceId::new("i"));
    let first = keyed(&here, &log, "k", &["a", "b"]).await?;
    assert!(!first.duplicate);
    append(&here, &log, &["x"]).await?;
    for store in [&there, &here, &there] {
        let again = keyed(store, &log, "k", &["a", "b"]).await?;
        assert_eq!((again.last, again.duplicate), (first.last, true));
    }
    assert_eq!(all_texts(&here, &log).await?, ["a", "b", "x"]);
    Ok(())
}

pub async fn el_05_of_concurrent_appends_under_one_key_one_is_added<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let log = stream("s", &round.to_string());
        let answers = race(stores.clone(), |_, store| {
            let log = log.clone();
            async move { keyed(&*store, &log, "k", &["a", "b"]).await }
        });
        let mut added = 0;
        for answer in answers.await {
            let answer = answer?;
            assert_eq!(answer.last.seq, 2);
            added += usize::from(!answer.duplicate);
        }
        assert_eq!(added, 1);
        assert_eq!(all_texts(&*stores[0], &log).await?, ["a", "b"]);
    }
    Ok(())
}

pub async fn el_05_keys_are_compared_byte_by_byte<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Inbox(InstanceId::new("i"));
    let most = "k".repeat(300);
    let all = format!("{most}k");
    let keys = [
        "k", "K", "k ", " k", "k\0", "k\0\0", "k:", "{k}", "k*", "\u{e9}", "e\u{301}", "1", "01",
        &most, &all,
    ];
    for (n, key) in (1..).zip(keys) {
        let added = keyed(&store, &log, key, &["same"]).await?;
        assert_eq!((added.last.seq, added.duplicate), (n, false), "{key:?}");
    }
    for (n, key) in (1..).zip(keys) {
        let again = keyed(&store, &log, key, &["same"]).await?;
        assert_eq!((again.last.seq, again.duplicate), (n, true), "{key:?}");
    }
    Ok(())
}

pub async fn el_06_an_append_given_up_and_repeated_stands_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for polls in 0.. {
        let log = stream("s", &polls.to_string());
        let append = keyed(&here, &log, "k", &["a", "b"]);
        let answer = drop_after_polls(append, polls).await.transpose()?;
        let repeated = keyed(&there, &log, "k", &["a", "b"]).await?;
        assert_eq!(repeated.last.seq, 2);
        assert_eq!(keyed(&here, &log, "k", &["a", "b"]).await?.last.seq, 2);
        assert_eq!(all_texts(&there, &log).await?, ["a", "b"]);
        if let Some(answer) = answer {
            assert!(!answer.duplicate && repeated.duplicate);
            break;
        }
    }
    Ok(())
}

pub async fn el_25_a_known_key_with_other_events_is_a_conflict<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Inbox(InstanceId::new("i"));
    keyed(&here, &log, "k", &["a", "b"]).await?;
    // The last has the same bytes in the same order, cut elsewhere.
    for other in [
        &["a", "c"][..],
        &["a"],
        &["a", "b", ""],
        &["ab"],
        &["", "ab"],
    ] {
        let refused = keyed(&there, &log, "k", other).await;
        assert_eq!(failure(refused)?, StoreErrorKind::Conflict, "{other:?}");
    }
    assert_eq!(all_texts(&here, &log).await?, ["a", "b"]);
    assert!(keyed(&there, &log, "k", &["a", "b"]).await?.duplicate);
    Ok(())
}

pub async fn el_25_of_different_events_under_one_key_the_first_wins<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let log = stream("s", &round.to_string());
        let answers = race(stores.clone(), |n, store| {
            let log = log.clone();
            async move { keyed(&*store, &log, "k", &[&n.to_string()]).await }
        });
        let mut won = Vec::new();
        for (n, answer) in answers.await.into_iter().enumerate() {
            match answer {
                Ok(answer) => {
                    assert!(!answer.duplicate);
                    won.push(n.to_string());
                }
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(all_texts(&*stores[0], &log).await?, won);
    }
    Ok(())
}

pub async fn el_25_a_key_lives_as_long_as_its_entry<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(1);
    let keep = Retention {
        events: 50,
        age: Some(MINUTE * 60),
        ..ALL
    };
    let batch = [Bytes::from_static(b"keyed")];
    let keyed = || Append::new(&batch, keep).key("k");
    let first = store.append(&log, keyed()).await?;
    case.advance(MINUTE * 50).await?;
    for _ in 0..49 {
        append_keeping(&store, &log, &["x"], keep).await?;
    }
    assert_eq!(kept_texts(&store, &log).await?.len(), 50);
    let again = store.append(&log, keyed()).await?;
    assert_eq!((again.last, again.duplicate), (first.last, true));
    Ok(())
}

pub async fn el_25_a_repetition_is_recognised_after_the_seal<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "post");
    let first = keyed(&store, &log, "k", &["a"]).await?;
    store.seal(&log, Some("end".into()), MINUTE).await?;
    let again = keyed(&store, &log, "k", &["a"]).await?;
    assert_eq!((again.last, again.duplicate), (first.last, true));
    let other = keyed(&store, &log, "k", &["b"]).await;
    assert_eq!(failure(other)?, StoreErrorKind::Conflict);
    assert_eq!(all_texts(&store, &log).await?, ["a", "end"]);
    Ok(())
}

pub async fn el_25_a_repetition_begins_no_epoch<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(4);
    let old = append(&store, &log, &["a"]).await?;
    let batch = payloads(&["x"]);
    let ahead = Some(Position::new(old.epoch, 5));
    let keyed = || Append::new(&batch, ALL).key("k").writer_seen(ahead);
    let first = store.append(&log, keyed()).await?;
    assert_ne!(first.last.epoch, old.epoch);
    assert!(!first.duplicate);
    let again = store.append(&log, keyed()).await?;
    assert_eq!((again.last, again.duplicate), (first.last, true));
    assert_eq!(all_texts(&store, &log).await?, ["x"]);
    Ok(())
}
