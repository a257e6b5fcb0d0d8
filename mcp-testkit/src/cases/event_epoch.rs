//! Lives of a log: when one ends, and what is left of it.

use mcp_core::store::{
    Append, Epoch, EventStore, From, LogKey, Position, Read, Sealed, StoreErrorKind,
};

use super::event_support::{
    ALL, MINUTE, all_texts, append, append_seen, attach, failure, gap, head, known_head, payloads,
    read, read_as, reader, stream, texts_after,
};
use crate::{Case, CaseResult, Harness};

pub async fn el_14_a_writer_that_has_seen_more_begins_an_epoch<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for ahead in [3, 9, u64::MAX] {
        let log = stream("s", &ahead.to_string());
        let old = append(&here, &log, &["a", "b"]).await?;
        let new = append_seen(&there, &log, "x", Position::new(old.epoch, ahead)).await?;
        assert_ne!(new.epoch, old.epoch);
        assert_eq!(new.seq, 1);
        let (floor, head) = gap(&read(&here, &log, old).await?)?;
        assert_eq!((floor, head), (Position::new(new.epoch, 0), new));
        assert_eq!(all_texts(&here, &log).await?, ["x"]);
        assert_eq!(known_head(&here, &log).await?.last, new);
        let next = append_seen(&here, &log, "y", new).await?;
        assert_eq!(next, Position::new(new.epoch, 2));
    }
    Ok(())
}

pub async fn el_14_a_writer_of_another_epoch_begins_an_epoch<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let old = append(&store, &log, &["a", "b", "c"]).await?;
    let foreign = Position::new(Epoch(old.epoch.0 ^ 1), 1);
    let new = append_seen(&store, &log, "x", foreign).await?;
    assert!(new.epoch != old.epoch && new.epoch != foreign.epoch);
    assert_eq!(new.seq, 1);
    assert_eq!(all_texts(&store, &log).await?, ["x"]);
    gap(&read(&store, &log, Position::new(old.epoch, 1)).await?)?;
    Ok(())
}

pub async fn el_14_a_writer_that_has_seen_less_continues_the_epoch<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let first = append_seen(&store, &log, "a", Position::BEGINNING).await?;
    let seen = |seq| Position::new(first.epoch, seq);
    for (text, knows, expected) in [
        ("b", first, 2),
        ("c", Position::BEGINNING, 3),
        ("d", seen(1), 4),
        ("e", seen(4), 5),
        ("f", seen(0), 6),
    ] {
        let last = append_seen(&store, &log, text, knows).await?;
        assert_eq!(last, seen(expected), "{knows:?}");
    }
    let last = append(&store, &log, &["g"]).await?;
    assert_eq!(last, seen(7));
    assert_eq!(all_texts(&store, &log).await?.concat(), "abcdefg");
    Ok(())
}

pub async fn el_14_a_log_that_was_lost_comes_back_in_another_epoch<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    for (name, knows) in [("known", true), ("forgotten", false)] {
        let log = stream("s", name);
        let old = append(&store, &log, &["a", "b"]).await?;
        store.seal(&log, None, MINUTE).await?;
        case.advance(MINUTE * 2).await?;
        assert_eq!(head(&store, &log).await?, None);
        let new = if knows {
            append_seen(&store, &log, "x", Position::new(old.epoch, 1)).await?
        } else {
            append(&store, &log, &["x"]).await?
        };
        assert_ne!(new.epoch, old.epoch);
        assert_eq!(new.seq, 1);
        gap(&read(&store, &log, Position::new(old.epoch, 1)).await?)?;
        assert_eq!(all_texts(&store, &log).await?, ["x"]);
    }
    Ok(())
}

pub async fn el_14_the_reader_stays_when_an_epoch_begins<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    let old = append(&store, &log, &["a", "b"]).await?;
    let attached = attach(&store, &log, 1, From::Acknowledged).await?;
    read_as(&store, &log, old, attached.generation, 9).await?;
    let batch = payloads(&["x", "y"]);
    let ahead = Append::new(&batch, ALL).writer_seen(Some(Position::new(old.epoch, 7)));
    let appended = store.append(&log, ahead).await?;
    let stays = (reader(1), attached.generation);
    assert_eq!(appended.reader, Some(stays));
    let found = read_as(&store, &log, old, attached.generation, 9).await?;
    let (floor, _) = gap(&found)?;
    assert_eq!(floor, Position::new(appended.last.epoch, 0));
    match read_as(&store, &log, floor, attached.generation, 9).await? {
        Read::Events { events, .. } => assert_eq!(events.len(), 2),
        other => return Err(format!("the reader does not stay: {other:?}").into()),
    }
    let next = attach(&store, &log, 2, From::Acknowledged).await?;
    assert!(next.generation > attached.generation);
    assert_eq!(next.after, floor);
    Ok(())
}

pub async fn el_14_keys_end_with_their_epoch<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let batch = payloads(&["a"]);
    let keyed = || Append::new(&batch, ALL).key("k");
    let old = store.append(&log, keyed()).await?.last;
    let new = append_seen(&store, &log, "x", Position::new(old.epoch, 9)).await?;
    let again = store.append(&log, keyed()).await?;
    let second = Position::new(new.epoch, 2);
    assert_eq!((again.last, again.duplicate), (second, false));
    assert_eq!(all_texts(&store, &log).await?, ["x", "a"]);
    Ok(())
}

pub async fn el_14_a_sealed_log_begins_no_epoch<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "post");
    let last = append(&store, &log, &["a"]).await?;
    store.seal(&log, None, MINUTE).await?;
    let batch = payloads(&["x"]);
    let ahead = Some(Position::new(last.epoch, 9));
    let refused = store
        .append(&log, Append::new(&batch, ALL).writer_seen(ahead))
        .await;
    assert_eq!(failure(refused)?, StoreErrorKind::Conflict);
    let head = known_head(&store, &log).await?;
    assert_eq!((head.last, head.sealed), (last, Sealed::Sealed));
    assert_eq!(texts_after(&store, &log, Position::BEGINNING).await?, ["a"]);
    Ok(())
}
