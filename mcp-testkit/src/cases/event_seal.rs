//! How a log ends.

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, EventStore, LogKey, Position, Read, ReadLimit, Retention, Sealed, StoreErrorKind,
    },
};

use super::event_support::{
    ALL, MINUTE, PAGE, all_texts, append, append_keeping, failure, head, kept_texts, known_head,
    payloads, read, stream, texts_after,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_18_the_first_seal_ends_the_log<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "post");
    let first = append(&here, &log, &["a"]).await?;
    assert_eq!(known_head(&there, &log).await?.sealed, Sealed::Open);
    assert!(here.seal(&log, Some("end".into()), MINUTE).await?.is_first);
    assert!(
        !there
            .seal(&log, Some("other end".into()), MINUTE)
            .await?
            .is_first
    );
    assert!(!here.seal(&log, None, MINUTE).await?.is_first);
    let late = payloads(&["late"]);
    for store in [&here, &there] {
        let refused = store.append(&log, Append::new(&late, ALL)).await;
        assert_eq!(failure(refused)?, StoreErrorKind::Conflict);
    }
    let head = known_head(&there, &log).await?;
    assert_eq!(head.sealed, Sealed::Sealed);
    assert_eq!(head.last, Position::new(first.epoch, 2));
    assert_eq!(texts_after(&there, &log, first).await?, ["end"]);
    Ok(())
}

pub async fn el_18_the_end_shows_on_the_page_that_reaches_it<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "post");
    append(&store, &log, &["a", "b"]).await?;
    let page = async |after, events| {
        let limit = ReadLimit { events, ..PAGE };
        match store.read(&log, after, None, limit).await? {
            Read::Events { more, sealed, .. } => Ok::<_, BoxError>((more, sealed)),
            other => Err(format!("no events: {other:?}").into()),
        }
    };
    let start = Position::BEGINNING;
    assert_eq!(page(start, 9).await?, (false, false));
    store.seal(&log, Some("c".into()), MINUTE).await?;
    assert_eq!(page(start, 2).await?, (true, false));
    assert_eq!(page(start, 3).await?, (false, true));
    assert_eq!(page(start, 9).await?, (false, true));
    let last = known_head(&store, &log).await?.last;
    assert_eq!(page(last, 1).await?, (false, true));
    let second = Position::new(last.epoch, 2);
    assert_eq!(page(second, 1).await?, (false, true));
    Ok(())
}

pub async fn el_18_one_of_many_sealers_wins<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let log = stream("s", &round.to_string());
        let answers = race(stores.clone(), |n, store| {
            let log = log.clone();
            async move {
                store
                    .seal(&log, Some(Bytes::from(n.to_string())), MINUTE)
                    .await
            }
        });
        let mut winners = Vec::new();
        for (n, won) in answers.await.into_iter().enumerate() {
            winners.extend(won?.is_first.then(|| n.to_string()));
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(all_texts(&*stores[0], &log).await?, winners);
    }
    Ok(())
}

pub async fn el_18_nothing_follows_the_end<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let log = stream("s", &round.to_string());
        let added = race(stores.clone(), |n, store| {
            let log = log.clone();
            async move {
                if n == 0 {
                    store.seal(&log, Some("end".into()), MINUTE).await?;
                    return Ok(0);
                }
                let batch = payloads(&["x"]);
                for added in 0..5 {
                    match store.append(&log, Append::new(&batch, ALL)).await {
                        Ok(_) => {}
                        Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(added),
                        Err(error) => return Err(error),
                    }
                }
                Ok(5)
            }
        });
        let added: Result<Vec<usize>, _> = added.await.into_iter().collect();
        let mut expected = vec!["x"; added?.into_iter().sum()];
        expected.push("end");
        assert_eq!(all_texts(&*stores[0], &log).await?, expected);
    }
    Ok(())
}

pub async fn el_18_the_last_event_stays_until_keep_is_over<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "post");
    let tight = Retention {
        events: 2,
        bytes: 4,
        age: Some(MINUTE),
    };
    append_keeping(&store, &log, &["a"], tight).await?;
    let end = "a long response";
    store.seal(&log, Some(end.into()), MINUTE * 10).await?;
    for _ in 0..3 {
        case.advance(MINUTE * 3).await?;
        store.sweep(1000).await?;
        let kept = kept_texts(&store, &log).await?;
        assert_eq!(kept.last().map(String::as_str), Some(end));
    }
    case.advance(MINUTE * 3).await?;
    let last = Position::BEGINNING;
    assert_eq!(read(&store, &log, last).await?, Read::Unknown);
    assert_eq!(head(&store, &log).await?, None);
    Ok(())
}

pub async fn el_18_an_append_can_end_the_log<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "post");
    let first = append(&here, &log, &["a"]).await?;
    let batch = payloads(&["b", "end"]);
    let ending = || Append::new(&batch, ALL).key("k").seal(Some(MINUTE));
    let ended = here.append(&log, ending()).await?;
    assert_eq!(ended.last, Position::new(first.epoch, 3));
    assert_eq!(known_head(&there, &log).await?.sealed, Sealed::Sealed);
    let again = there.append(&log, ending()).await?;
    assert_eq!((again.last, again.duplicate), (ended.last, true));
    assert!(
        !there
            .seal(&log, Some("other end".into()), MINUTE)
            .await?
            .is_first
    );
    for late in [
        Append::new(&batch, ALL),
        Append::new(&batch, ALL).seal(Some(MINUTE)),
    ] {
        let refused = there.append(&log, late).await;
        assert_eq!(failure(refused)?, StoreErrorKind::Conflict);
    }
    match read(&there, &log, first).await? {
        Read::Events { sealed, .. } => assert!(sealed),
        other => return Err(format!("no events: {other:?}").into()),
    }
    assert_eq!(texts_after(&there, &log, first).await?, ["b", "end"]);
    case.advance(MINUTE * 2).await?;
    assert_eq!(head(&here, &log).await?, None);
    Ok(())
}

pub async fn el_18_the_end_that_an_append_brings_stays<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "post");
    let tight = Retention {
        events: 2,
        bytes: 4,
        age: Some(MINUTE),
    };
    let batch = payloads(&["a", "a long response"]);
    let ending = Append::new(&batch, tight).seal(Some(MINUTE * 10));
    store.append(&log, ending).await?;
    for _ in 0..3 {
        case.advance(MINUTE * 3).await?;
        store.sweep(1000).await?;
        assert_eq!(kept_texts(&store, &log).await?, ["a long response"]);
    }
    Ok(())
}

pub async fn el_18_a_missing_log_is_made_and_ended<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    for (name, end, expected) in [("with", Some("end"), &["end"][..]), ("without", None, &[])] {
        let log = stream("s", name);
        assert!(
            store
                .seal(&log, end.map(Bytes::from), MINUTE)
                .await?
                .is_first
        );
        match read(&store, &log, Position::BEGINNING).await? {
            Read::Events { sealed, .. } => assert!(sealed),
            other => return Err(format!("no events: {other:?}").into()),
        }
        assert_eq!(all_texts(&store, &log).await?, expected);
        let late = payloads(&["late"]);
        let refused = store.append(&log, Append::new(&late, ALL)).await;
        assert_eq!(failure(refused)?, StoreErrorKind::Conflict);
    }
    Ok(())
}

pub async fn el_18_sealing_again_only_shortens<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let (longer, shorter) = (stream("s", "longer"), LogKey::Broadcast(0));
    for log in [&longer, &shorter] {
        assert!(
            here.seal(log, Some("end".into()), MINUTE * 10)
                .await?
                .is_first
        );
    }
    assert!(!there.seal(&longer, None, MINUTE * 60).await?.is_first);
    assert!(!there.seal(&shorter, None, MINUTE * 2).await?.is_first);
    case.advance(MINUTE).await?;
    assert_eq!(all_texts(&here, &shorter).await?, ["end"]);
    case.advance(MINUTE * 3).await?;
    assert_eq!(head(&here, &shorter).await?, None);
    assert_eq!(all_texts(&here, &longer).await?, ["end"]);
    case.advance(MINUTE * 10).await?;
    assert_eq!(head(&here, &longer).await?, None);
    Ok(())
}
