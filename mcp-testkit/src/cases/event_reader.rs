//! The one reader of a log.

use mcp_core::{
    BoxError,
    store::{Append, Epoch, EventStore, From, LogKey, Position, Read},
};

use tokio::task::yield_now;

use super::event_support::{
    ALL, MINUTE, all_texts, append, attach, gap, head, payloads, positions, read, read_as, reader,
    stream, texts,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_22_readers_that_take_over_lose_and_repeat_nothing<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const EVENTS: u64 = 500;
    let done = race(case.crowd(2).await?, |n, store| async move {
        let log = stream("s", "get");
        if n == 0 {
            for n in 1..=EVENTS {
                append(&*store, &log, &[&n.to_string()]).await?;
                yield_now().await;
            }
            return Ok(());
        }
        let (mut acknowledged, mut connection) = (0, 0);
        while acknowledged < EVENTS {
            connection += 1;
            let attached = attach(&*store, &log, connection, From::Acknowledged).await?;
            assert_eq!(attached.after.seq, acknowledged);
            let mut after = attached.after;
            for _ in 0..5 {
                let page = read_as(&*store, &log, after, attached.generation, 10).await?;
                acknowledged = after.seq;
                for position in positions(page)? {
                    assert_eq!(position.seq, after.seq + 1);
                    after = position;
                }
                yield_now().await;
            }
        }
        Ok::<_, BoxError>(())
    });
    done.await.into_iter().collect()
}

pub async fn el_26_a_newer_reader_supersedes<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "get");
    let last = append(&here, &log, &["a"]).await?;
    let first = attach(&here, &log, 1, From::Acknowledged).await?;
    assert_eq!(first.head.last, last);
    let found = read_as(&here, &log, first.after, first.generation, 9).await?;
    assert_eq!(texts(found)?, ["a"]);
    let start = From::After(Position::BEGINNING);
    let second = attach(&there, &log, 1, start).await?;
    assert!(second.generation > first.generation);
    append(&here, &log, &["b"]).await?;
    for after in [Position::BEGINNING, last] {
        let late = read_as(&here, &log, after, first.generation, 9).await?;
        assert_eq!(late, Read::Superseded);
    }
    let found = read_as(&there, &log, second.after, second.generation, 9).await?;
    assert_eq!(texts(found)?, ["a", "b"]);
    // A read without a generation is nobody's.
    assert_eq!(texts(read(&here, &log, last).await?)?, ["b"]);
    Ok(())
}

pub async fn el_26_of_concurrent_readers_one_reads<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let log = stream("s", &round.to_string());
        let attached = race(stores.clone(), |n, store| {
            let log = log.clone();
            async move { attach(&*store, &log, n as u64, From::Acknowledged).await }
        });
        let attached: Result<Vec<_>, _> = attached.await.into_iter().collect();
        let attached = attached?;
        append(&*stores[0], &log, &["a"]).await?;
        let newest = attached.iter().map(|own| own.generation).max();
        let mut readers = 0;
        for (store, own) in stores.iter().zip(&attached) {
            match read_as(&**store, &log, own.after, own.generation, 9).await? {
                Read::Events { events, .. } => {
                    assert_eq!((Some(own.generation), events.len()), (newest, 1));
                    readers += 1;
                }
                other => assert_eq!(other, Read::Superseded),
            }
        }
        assert_eq!(readers, 1);
    }
    Ok(())
}

pub async fn el_26_an_append_names_the_newest_reader<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "get");
    let batch = payloads(&["x"]);
    let named = async |key| {
        let appended = here.append(&log, Append::new(&batch, ALL).key(key)).await?;
        Ok::<_, BoxError>(appended.reader)
    };
    assert_eq!(named("1").await?, None);
    let first = attach(&there, &log, 1, From::Acknowledged).await?;
    assert!(first.is_first);
    assert_eq!(named("2").await?, Some((reader(1), first.generation)));
    let next = attach(&here, &log, u64::MAX, From::Acknowledged).await?;
    assert!(!next.is_first);
    let newest = Some((reader(u64::MAX), next.generation));
    assert_eq!(named("3").await?, newest);
    // A repetition has to wake the reader of now, too.
    assert_eq!(named("1").await?, newest);
    Ok(())
}

pub async fn el_26_an_append_brings_the_first_reader_and_no_other<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "post");
    let batch = payloads(&["x"]);
    let brought = async |key, connection| {
        let who = reader(connection);
        let batch = Append::new(&batch, ALL).key(key).reader(Some(&who));
        let reader = here.append(&log, batch).await?.reader;
        reader.ok_or_else(|| BoxError::from("the log has no reader"))
    };
    let (first, generation) = brought("1", 1).await?;
    assert_eq!(first, reader(1));
    // Neither another append nor a repetition takes the log from it.
    for (key, connection) in [("2", 2), ("1", 1), ("1", 3)] {
        assert_eq!(brought(key, connection).await?, (reader(1), generation));
    }
    let start = Position::BEGINNING;
    let found = read_as(&there, &log, start, generation, 9).await?;
    assert_eq!(positions(found)?.len(), 2);
    let next = attach(&there, &log, 4, From::Acknowledged).await?;
    assert!(!next.is_first && next.generation > generation);
    assert_eq!(brought("3", 5).await?, (reader(4), next.generation));
    let late = read_as(&here, &log, start, generation, 9).await?;
    assert_eq!(late, Read::Superseded);
    Ok(())
}

pub async fn el_26_a_seal_names_the_newest_reader<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let [read, unread] = ["get", "unread"].map(|name| stream("s", name));
    append(&here, &read, &["a"]).await?;
    attach(&there, &read, 7, From::Acknowledged).await?;
    // Nothing was written since: only the seal can say who is there.
    let ended = here.seal(&read, Some("end".into()), MINUTE).await?;
    assert_eq!((ended.is_first, ended.reader), (true, Some(reader(7))));
    let again = here.seal(&read, None, MINUTE).await?;
    assert_eq!((again.is_first, again.reader), (false, Some(reader(7))));
    assert_eq!(here.seal(&unread, None, MINUTE).await?.reader, None);
    Ok(())
}

pub async fn el_26_a_missing_log_is_not_resumed<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    for after in [Position::BEGINNING, Position::new(Epoch(7), 7)] {
        let missing = store.attach(&log, &reader(1), From::After(after)).await?;
        assert_eq!(missing, None);
        assert_eq!(head(&store, &log).await?, None);
    }
    let made = attach(&store, &log, 1, From::Acknowledged).await?;
    assert_eq!(made.head.last.seq, 0);
    assert_ne!(made.head.last.epoch, Epoch(0));
    assert_eq!(all_texts(&store, &log).await?, [""; 0]);
    let first = append(&store, &log, &["a"]).await?;
    assert_eq!(first, Position::new(made.head.last.epoch, 1));
    Ok(())
}

pub async fn el_26_no_generation_comes_back_with_another_log<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "get");
    let mut before = attach(&here, &log, 1, From::Acknowledged).await?;
    for connection in 2..5 {
        assert!(here.seal(&log, None, MINUTE).await?.is_first);
        case.advance(MINUTE * 2).await?;
        let again = attach(&there, &log, connection, From::Acknowledged).await?;
        assert_ne!(again.head.last.epoch, before.head.last.epoch);
        assert!(
            again.generation > before.generation,
            "{again:?} after {before:?}"
        );
        let late = read_as(&here, &log, Position::BEGINNING, before.generation, 9).await?;
        assert_eq!(late, Read::Superseded);
        before = again;
    }
    Ok(())
}

pub async fn el_27_the_next_reader_begins_after_what_was_acknowledged<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "get");
    append(&here, &log, &["a", "b", "c", "d", "e"]).await?;
    let first = attach(&here, &log, 1, From::Acknowledged).await?;
    assert_eq!(first.after, Position::BEGINNING);
    let page = positions(read_as(&here, &log, first.after, first.generation, 2).await?)?;
    let second = attach(&there, &log, 2, From::Acknowledged).await?;
    assert_eq!(second.after, Position::BEGINNING);
    let again = read_as(&there, &log, second.after, second.generation, 2).await?;
    assert_eq!(positions(again)?, page);
    read_as(&there, &log, page[1], second.generation, 2).await?;
    drop((here, there));
    let fresh = case.open().await?;
    let third = attach(&fresh, &log, 3, From::Acknowledged).await?;
    assert_eq!((third.after, third.head.last.seq), (page[1], 5));
    Ok(())
}

pub async fn el_27_the_newest_reader_decides_what_is_acknowledged<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    let first = append(&store, &log, &["a"]).await?;
    let last = append(&store, &log, &["b"]).await?;
    let before = attach(&store, &log, 1, From::Acknowledged).await?;
    read_as(&store, &log, last, before.generation, 9).await?;
    let resumed = attach(&store, &log, 2, From::After(first)).await?;
    assert_eq!(resumed.after, first);
    read_as(&store, &log, resumed.after, resumed.generation, 9).await?;
    let late = read_as(&store, &log, last, before.generation, 9).await?;
    assert_eq!(late, Read::Superseded);
    let next = attach(&store, &log, 3, From::Acknowledged).await?;
    assert_eq!(next.after, first);
    Ok(())
}

pub async fn el_27_gaps_and_reads_of_nobody_acknowledge_nothing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(5);
    let first = append(&store, &log, &["a"]).await?;
    let last = append(&store, &log, &["b"]).await?;
    let attached = attach(&store, &log, 1, From::Acknowledged).await?;
    read_as(&store, &log, first, attached.generation, 9).await?;
    read(&store, &log, last).await?;
    for forged in [
        Position::new(last.epoch, 7),
        Position::new(last.epoch, u64::MAX),
        Position::new(Epoch(last.epoch.0 ^ 1), 1),
    ] {
        gap(&read_as(&store, &log, forged, attached.generation, 9).await?)?;
    }
    let next = attach(&store, &log, 2, From::Acknowledged).await?;
    assert_eq!(next.after, first);
    Ok(())
}
