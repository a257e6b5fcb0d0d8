//! Writing: positions, their order, and what becomes visible when.

use std::collections::BTreeMap;

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{Append, EventStore, LogKey, Position, Read, StoreErrorKind},
};

use tokio::task::yield_now;

use super::event_support::{
    ALL, SECOND, append, events, failure, head, numbers, payloads, read, stream, texts, texts_after,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_01_positions_count_from_one_without_a_hole<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for log in [stream("s", "get"), LogKey::Broadcast(3), LogKey::Config] {
        let first = append(&here, &log, &["a", "b"]).await?;
        let second = append(&there, &log, &["c"]).await?;
        let third = append(&here, &log, &["d", "e", "f"]).await?;
        assert_eq!((first.seq, second.seq, third.seq), (2, 3, 6));
        assert_eq!((first.epoch, first.epoch), (second.epoch, third.epoch));
        let found = read(&there, &log, Position::BEGINNING).await?;
        assert_eq!(numbers(found)?, [1, 2, 3, 4, 5, 6]);
        let head = head(&there, &log)
            .await?
            .map(|head| (head.last, head.floor));
        assert_eq!(head, Some((third, 0)));
    }
    Ok(())
}

pub async fn el_02_concurrent_writers_get_distinct_positions_in_their_own_order<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const EACH: u64 = 50;
    let written = race(case.crowd(4).await?, |writer, store| async move {
        let mut written = Vec::new();
        for n in 0..EACH {
            let text = format!("{writer} {n}");
            let position = append(&*store, &LogKey::Broadcast(2), &[&text]).await?;
            written.push((position, text));
            yield_now().await;
        }
        Ok::<_, BoxError>(written)
    })
    .await;
    let mut all = BTreeMap::new();
    for own in written {
        let own = own?;
        assert!(own.is_sorted_by_key(|(position, _)| position.seq));
        all.extend(own.into_iter().map(|(position, text)| (position.seq, text)));
    }
    assert!(all.keys().copied().eq(1..=4 * EACH));
    let store = case.open().await?;
    let found = texts_after(&store, &LogKey::Broadcast(2), Position::BEGINNING).await?;
    assert!(found.iter().eq(all.values()), "each at its own position");
    Ok(())
}

pub async fn el_03_nothing_appears_below_what_was_seen<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const WRITERS: usize = 3;
    const EACH: usize = 40;
    let total: usize = (0..EACH).map(|n| 1 + n % 7).sum::<usize>() * WRITERS;
    let done = race(case.crowd(WRITERS + 2).await?, move |n, store| async move {
        let log = LogKey::Broadcast(0);
        if n < WRITERS {
            for n in 0..EACH {
                let batch = vec![Bytes::from(vec![b'x'; n * 20]); 1 + n % 7];
                store.append(&log, Append::new(&batch, ALL)).await?;
                yield_now().await;
            }
            return Ok(());
        }
        let mut seen = 0;
        while seen < total {
            let found = read(&*store, &log, Position::BEGINNING).await?;
            if found != Read::Unknown {
                let numbers = numbers(found)?;
                assert!(numbers.len() >= seen, "what was seen stays");
                assert!(numbers.iter().copied().eq((1..).take(numbers.len())));
                seen = numbers.len();
            }
            yield_now().await;
        }
        Ok::<_, BoxError>(())
    });
    done.await.into_iter().collect()
}

pub async fn el_04_what_was_appended_is_read_by_every_process<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let there = case.open().await?;
    let here = case.open().await?;
    let log = stream("s", "post");
    for (n, text) in ["a", "b", "c"].into_iter().enumerate() {
        append(&here, &log, &[text]).await?;
        let found = texts_after(&there, &log, Position::BEGINNING).await?;
        assert_eq!(found, ["a", "b", "c"][..=n]);
    }
    drop((here, there));
    let fresh = case.open().await?;
    let found = texts_after(&fresh, &log, Position::BEGINNING).await?;
    assert_eq!(found, ["a", "b", "c"]);
    Ok(())
}

pub async fn el_20_payloads_come_back_byte_for_byte<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    let written = [
        Bytes::new(),
        Bytes::from_static(b"\r\n\0\n\n"),
        (0..=255).collect(),
        Bytes::from_static(b"\xff\xfe\xed\xa0\x80"),
        Bytes::from_static("caf\u{e9} \u{1f980} \\u0000 {\"a\":[]}".as_bytes()),
        Bytes::new(),
    ];
    store.append(&log, Append::new(&written, ALL)).await?;
    let last = Bytes::from_static(b"\0end\r\n");
    store.seal(&log, Some(last.clone()), SECOND * 60).await?;
    let found = events(read(&case.open().await?, &log, Position::BEGINNING).await?)?;
    let found: Vec<_> = found.into_iter().map(|event| event.payload).collect();
    assert_eq!(found[..6], written);
    assert_eq!(found[6..], [last]);
    Ok(())
}

pub async fn el_20_a_large_payload_is_whole_or_too_large<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    // The largest message that a server takes unless told is 4 MiB.
    for (mebibytes, must_fit) in [(1, true), (4, true), (9, false), (17, false)] {
        let log = stream("s", &mebibytes.to_string());
        let large: Bytes = (0..=250).cycle().take(mebibytes << 20).collect();
        let batch = [Bytes::from_static(b"small"), large.clone()];
        let appended = store.append(&log, Append::new(&batch, ALL)).await;
        if must_fit || appended.is_ok() {
            assert_eq!(appended?.last.seq, 2);
            let found = events(read(&store, &log, Position::BEGINNING).await?)?;
            assert!(found.iter().map(|event| &event.payload).eq(&batch));
            continue;
        }
        assert_eq!(failure(appended)?, StoreErrorKind::TooLarge);
        assert_eq!(head(&store, &log).await?, None, "nothing is stored");
        let sealed = store.seal(&log, Some(large), SECOND * 60).await;
        assert_eq!(failure(sealed)?, StoreErrorKind::TooLarge);
        assert_eq!(head(&store, &log).await?, None, "nothing is sealed");
    }
    Ok(())
}

pub async fn el_20_an_empty_batch_is_refused<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let refused = store.append(&log, Append::new(&[], ALL)).await;
    assert_eq!(failure(refused)?, StoreErrorKind::InvalidArgument);
    assert_eq!(head(&store, &log).await?, None);
    append(&store, &log, &["a"]).await?;
    let refused = store.append(&log, Append::new(&[], ALL).key("k")).await;
    assert_eq!(failure(refused)?, StoreErrorKind::InvalidArgument);
    assert_eq!(
        texts(read(&store, &log, Position::BEGINNING).await?)?,
        ["a"]
    );
    let batch = payloads(&["b"]);
    let appended = store
        .append(&log, Append::new(&batch, ALL).key("k"))
        .await?;
    assert_eq!((appended.last.seq, appended.duplicate), (2, false));
    Ok(())
}
