//! Reading: from where, how much, and what cannot be read.

use mcp_core::{
    BoxError,
    store::{Epoch, EventStore, LogKey, Position, Read, ReadLimit, Retention},
};

use tokio::task::yield_now;

use super::event_support::{
    ALL, PAGE, append, append_keeping, gap, head, positions, read, stream, texts, texts_after,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_07_read_gives_what_lies_strictly_after<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = stream("s", "get");
    let mut written = vec![Position::BEGINNING];
    for text in ["a", "b", "c", "d"] {
        written.push(append(&here, &log, &[text]).await?);
    }
    for (n, after) in written.iter().enumerate() {
        let found = read(&there, &log, *after).await?;
        assert_eq!(positions(found.clone())?, written[n + 1..]);
        assert_eq!(texts(found)?, ["a", "b", "c", "d"][n..]);
    }
    let start = Position::new(written[1].epoch, 0);
    assert_eq!(texts_after(&there, &log, start).await?.len(), 4);
    // Reading takes nothing away.
    assert_eq!(texts_after(&here, &log, start).await?.len(), 4);
    Ok(())
}

pub async fn el_07_a_log_that_does_not_exist_is_unknown<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    append(&store, &stream("s", "other"), &["x"]).await?;
    let somewhere = Position::new(Epoch(7), 7);
    for log in [stream("s", "none"), LogKey::Broadcast(0), LogKey::Config] {
        for after in [Position::BEGINNING, somewhere] {
            assert_eq!(read(&store, &log, after).await?, Read::Unknown);
        }
        assert_eq!(head(&store, &log).await?, None);
    }
    Ok(())
}

pub async fn el_11_a_position_below_the_floor_is_a_gap<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let first = append(&store, &log, &["a"]).await?;
    assert_eq!(texts_after(&store, &log, Position::BEGINNING).await?, ["a"]);
    let two = Retention { events: 2, ..ALL };
    let last = append_keeping(&store, &log, &["b", "c", "d"], two).await?;
    let floor = Position::new(last.epoch, 2);
    for below in [first, Position::BEGINNING, Position::new(last.epoch, 0)] {
        assert_eq!(gap(&read(&store, &log, below).await?)?, (floor, last));
    }
    assert_eq!(texts_after(&store, &log, floor).await?, ["c", "d"]);
    assert_eq!(texts_after(&store, &log, last).await?, [""; 0]);
    Ok(())
}

pub async fn el_12_a_position_of_another_epoch_is_a_gap<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let last = append(&store, &log, &["a", "b"]).await?;
    for other in [last.epoch.0 ^ 1, last.epoch.0 ^ (1 << 63), 0, u64::MAX] {
        // The beginning is of no epoch.
        let first = u64::from(other == 0);
        for seq in [first, 1, 2, 3] {
            let foreign = Position::new(Epoch(other), seq);
            let (floor, head) = gap(&read(&store, &log, foreign).await?)?;
            assert_eq!((floor, head), (Position::new(last.epoch, 0), last));
        }
    }
    Ok(())
}

pub async fn el_13_a_position_ahead_of_the_head_is_a_gap<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    let last = append(&store, &log, &["a"]).await?;
    for seq in [2, 1000, u64::MAX] {
        let ahead = Position::new(last.epoch, seq);
        let (floor, head) = gap(&read(&store, &log, ahead).await?)?;
        assert_eq!((floor, head), (Position::new(last.epoch, 0), last));
    }
    assert_eq!(texts_after(&store, &log, last).await?, [""; 0]);
    Ok(())
}

pub async fn el_15_a_page_keeps_to_both_limits<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    let first = append(&store, &log, &["aaaa", "bbbb", "cccc", "dddd"]).await?;
    let page = async |after, events, bytes| {
        let limit = ReadLimit { events, bytes };
        match store.read(&log, after, None, limit).await? {
            Read::Events { events, more, .. } => Ok::<_, BoxError>((events.len(), more)),
            other => Err(format!("no events: {other:?}").into()),
        }
    };
    let start = Position::BEGINNING;
    assert_eq!(page(start, 2, 1000).await?, (2, true));
    assert_eq!(page(start, 4, 1000).await?, (4, false));
    assert_eq!(page(start, 5, usize::MAX).await?, (4, false));
    assert_eq!(page(start, usize::MAX, 1000).await?, (4, false));
    // A page stops after the event that reaches the bytes.
    for (bytes, expected) in [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (12, 3)] {
        assert_eq!(page(start, 9, bytes).await?, (expected, true), "{bytes}");
    }
    assert_eq!(page(start, 9, 13).await?, (4, false));
    assert_eq!(page(start, 9, 16).await?, (4, false));
    let third = Position::new(first.epoch, 3);
    assert_eq!(page(third, 1, 1).await?, (1, false));
    assert_eq!(page(first, 1, 1).await?, (0, false));
    Ok(())
}

pub async fn el_15_paging_sees_each_event_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const EVENTS: u64 = 300;
    let done = race(case.crowd(3).await?, |n, store| async move {
        let log = stream("s", "get");
        if n == 0 {
            for n in 1..=EVENTS {
                append(&*store, &log, &[&n.to_string()]).await?;
                yield_now().await;
            }
            return Ok(());
        }
        let limit = ReadLimit {
            events: 7,
            bytes: 16,
        };
        let mut after = Position::BEGINNING;
        while after.seq < EVENTS {
            match store.read(&log, after, None, limit).await? {
                Read::Events { events, more, .. } => {
                    assert!(events.len() <= 7 && (!more || !events.is_empty()));
                    for event in events {
                        assert_eq!(event.position.seq, after.seq + 1);
                        assert_eq!(event.payload, event.position.seq.to_string());
                        after = event.position;
                    }
                }
                other => assert_eq!((other, after.seq), (Read::Unknown, 0)),
            }
            yield_now().await;
        }
        Ok::<_, BoxError>(())
    });
    done.await.into_iter().collect()
}

pub async fn el_28_heads_answer_in_the_order_asked<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = |n: usize| match n {
        0 => LogKey::Config,
        1..=8 => LogKey::Broadcast(u8::try_from(n - 1).unwrap_or_default()),
        n => stream(&format!("s{}", n % 100), &n.to_string()),
    };
    let mut expected = vec![None; 10_000];
    for n in [0, 3, 17, 5000, 9999] {
        let last = append(&store, &log(n), &["a", "b"]).await?;
        expected[n] = Some(last);
    }
    let logs: Vec<_> = (0..10_000).map(log).collect();
    let other = case.open().await?;
    for moved in [9999, 3, 5000] {
        let heads = other.heads(&logs).await?;
        let found = heads.iter().map(|head| head.map(|head| head.last));
        assert!(found.eq(expected.iter().copied()));
        expected[moved] = Some(append(&store, &logs[moved], &["c"]).await?);
    }
    let backwards: Vec<_> = logs[..20].iter().rev().cloned().collect();
    let heads = other.heads(&backwards).await?;
    let found = heads.iter().map(|head| head.map(|head| head.last));
    assert!(found.eq(expected[..20].iter().rev().copied()));
    assert_eq!(other.heads(&[]).await?, []);
    let all = other.read(&logs[17], Position::BEGINNING, None, PAGE);
    assert_eq!(positions(all.await?)?.len(), 2);
    Ok(())
}
