//! What is kept, and what becomes of the rest.

use mcp_core::{
    BoxError,
    store::{EventStore, From, LogKey, Position, Read, Retention, SessionId},
};

use tokio::task::yield_now;

use super::event_support::{
    ALL, MINUTE, all_texts, append, append_keeping, attach, gap, kept_texts, known_head, read,
    stream, texts_after,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_16_trimming_follows_the_count<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let three = Retention { events: 3, ..ALL };
    append_keeping(&store, &log, &["a", "b", "c"], three).await?;
    assert_eq!(all_texts(&store, &log).await?, ["a", "b", "c"]);
    let last = append_keeping(&store, &log, &["d"], three).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["b", "c", "d"]);
    append_keeping(&store, &log, &["e", "f", "g", "h"], three).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["f", "g", "h"]);
    assert_eq!(known_head(&store, &log).await?.floor, 5);
    let (floor, _) = gap(&read(&store, &log, last).await?)?;
    assert_eq!(floor, Position::new(last.epoch, 5));
    Ok(())
}

pub async fn el_16_trimming_follows_the_bytes<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    let five = Retention { bytes: 5, ..ALL };
    append_keeping(&store, &log, &["aa", "bbb"], five).await?;
    assert_eq!(all_texts(&store, &log).await?, ["aa", "bbb"]);
    append_keeping(&store, &log, &["c"], five).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["bbb", "c"]);
    append_keeping(&store, &log, &["d", ""], five).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["bbb", "c", "d", ""]);
    let last = append_keeping(&store, &log, &["eeeeee"], five).await?;
    assert_eq!(kept_texts(&store, &log).await?, [""; 0]);
    let head = known_head(&store, &log).await?;
    assert_eq!((head.last, head.floor), (last, 6));
    append_keeping(&store, &log, &["fffff"], five).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["fffff"]);
    Ok(())
}

pub async fn el_16_trimming_follows_the_age<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let young = Retention {
        age: Some(MINUTE * 10),
        ..ALL
    };
    append_keeping(&store, &log, &["a", "b"], young).await?;
    case.advance(MINUTE * 6).await?;
    append_keeping(&store, &log, &["c"], young).await?;
    assert_eq!(all_texts(&store, &log).await?, ["a", "b", "c"]);
    case.advance(MINUTE * 6).await?;
    let last = append_keeping(&store, &log, &["d"], young).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["c", "d"]);
    gap(&read(&store, &log, Position::new(last.epoch, 1)).await?)?;
    // Age goes on without any append.
    case.advance(MINUTE * 6).await?;
    assert_eq!(kept_texts(&store, &log).await?, ["d"]);
    case.advance(MINUTE * 6).await?;
    assert_eq!(kept_texts(&store, &log).await?, [""; 0]);
    Ok(())
}

pub async fn el_16_the_config_log_is_never_trimmed<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let tight = Retention {
        events: 1,
        bytes: 1,
        age: Some(MINUTE),
    };
    for text in ["aa", "bb", "cc"] {
        append_keeping(&store, &LogKey::Config, &[text], tight).await?;
        case.advance(MINUTE * 60 * 24 * 40).await?;
    }
    store.sweep(1000).await?;
    let found = all_texts(&store, &LogKey::Config).await?;
    assert_eq!(found, ["aa", "bb", "cc"]);
    Ok(())
}

pub async fn el_16_the_floor_never_goes_back<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let mut floor = 0;
    for keep in [3, 1, 5, 2, 9, 0, 4] {
        let retention = Retention {
            events: keep,
            ..ALL
        };
        let last = append_keeping(&store, &log, &["x", "x"], retention).await?;
        let head = known_head(&store, &log).await?;
        assert_eq!(head.last, last, "positions go on");
        let expected = floor.max(last.seq.saturating_sub(keep));
        assert_eq!(head.floor, expected, "keeping {keep}");
        floor = head.floor;
        let here = read(&store, &log, Position::new(last.epoch, floor)).await?;
        assert!(
            matches!(here, Read::Events { events, .. } if events.len() as u64 == last.seq - floor)
        );
    }
    Ok(())
}

pub async fn el_16_who_races_a_trim_gets_the_event_or_a_gap<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const EVENTS: u64 = 300;
    let done = race(case.crowd(3).await?, |n, store| async move {
        let log = LogKey::Broadcast(0);
        if n == 0 {
            let few = Retention { events: 3, ..ALL };
            for n in 1..=EVENTS {
                append_keeping(&*store, &log, &[&n.to_string()], few).await?;
                yield_now().await;
            }
            return Ok(());
        }
        let (mut after, mut floor) = (Position::BEGINNING, 0);
        while after.seq < EVENTS {
            match read(&*store, &log, after).await? {
                Read::Events { events, .. } => {
                    for event in events {
                        assert_eq!(event.position.seq, after.seq + 1);
                        assert_eq!(event.payload, event.position.seq.to_string());
                        after = event.position;
                    }
                }
                Read::Gap { floor: new, head } => {
                    assert!(new.seq > after.seq && new.seq >= floor && head.seq >= new.seq);
                    (after, floor) = (new, new.seq);
                }
                other => assert_eq!((other, after.seq), (Read::Unknown, 0)),
            }
            yield_now().await;
        }
        Ok::<_, BoxError>(())
    });
    done.await.into_iter().collect()
}

pub async fn el_16_a_sweep_frees_nothing_that_is_kept<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let young = Retention {
        age: Some(MINUTE * 10),
        ..ALL
    };
    let (open, ended, gone) = (
        stream("s", "open"),
        stream("s", "ended"),
        stream("s", "gone"),
    );
    append_keeping(&store, &open, &["old"], young).await?;
    append(&store, &ended, &["a"]).await?;
    store.seal(&ended, Some("end".into()), MINUTE * 60).await?;
    store.seal(&gone, Some("end".into()), MINUTE).await?;
    store.purge(&SessionId::new("purged")).await?;
    case.advance(MINUTE * 6).await?;
    let last = append_keeping(&store, &open, &["young"], young).await?;
    attach(&store, &open, 1, From::Acknowledged).await?;
    case.advance(MINUTE * 6).await?;
    for _ in 0..3 {
        store.sweep(1000).await?;
    }
    assert_eq!(kept_texts(&store, &open).await?, ["young"]);
    assert_eq!(known_head(&store, &open).await?.last, last);
    assert_eq!(all_texts(&store, &ended).await?, ["a", "end"]);
    assert_eq!(
        read(&store, &gone, Position::BEGINNING).await?,
        Read::Unknown
    );
    Ok(())
}

pub async fn el_21_a_log_outlives_its_events<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let short = Retention {
        age: Some(MINUTE),
        ..ALL
    };
    let none = Retention { events: 0, ..ALL };
    for log in [stream("s", "get"), LogKey::Broadcast(0)] {
        let last = append_keeping(&store, &log, &["a", "b"], short).await?;
        case.advance(MINUTE * 60).await?;
        store.sweep(1000).await?;
        assert_eq!(known_head(&store, &log).await?.last, last);
        assert_eq!(texts_after(&store, &log, last).await?, [""; 0]);
        let (floor, head) = gap(&read(&store, &log, Position::BEGINNING).await?)?;
        assert_eq!((floor, head), (last, last));
        let next = append_keeping(&store, &log, &["c"], none).await?;
        assert_eq!(next, Position::new(last.epoch, 3));
        case.advance(MINUTE * 60).await?;
        let next = append(&store, &log, &["d"]).await?;
        assert_eq!(next, Position::new(last.epoch, 4));
        assert_eq!(kept_texts(&store, &log).await?, ["d"]);
    }
    Ok(())
}
