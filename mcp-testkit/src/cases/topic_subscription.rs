//! Subscriptions: a log read from a position, wake-ups, and a poll.

use std::collections::BTreeMap;

use mcp_core::{
    BoxError,
    store::{Append, LogKey, Position, Retention, Tail},
};

use super::{
    event_support::{
        ALL, MINUTE, append, append_keeping, append_seen, known_head, payloads, stream,
    },
    topic_support::{Subscription, post, post_keeping, shown},
};
use crate::{Case, CaseResult, Harness, drop_after_polls, race, topic::Topics};

const FEW: Retention = Retention { events: 2, ..ALL };

pub async fn bp_01_what_comes_after_arming_is_handed_out<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for round in 0..case.rounds() * 10 {
        // A log that exists, and one that does not yet.
        let old = LogKey::Broadcast(0);
        let new = stream("s", &round.to_string());
        let mut subscription = Subscription::armed(&here, &[old.clone(), new.clone()]).await?;
        let (log, text) = if round % 2 == 0 {
            (old, "old")
        } else {
            (new, "new")
        };
        post(&there, &log, &[text]).await?;
        assert_eq!(subscription.take(1).await?, [text]);
    }
    Ok(())
}

pub async fn bp_02_all_subscribers_see_the_order_of_publishing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    const EACH: usize = 50;
    const WRITERS: usize = 2;
    let processes = case.crowd(3 + WRITERS).await?;
    let seen = race(processes, |n, process| async move {
        let log = [LogKey::Broadcast(3)];
        if n < WRITERS {
            for event in 0..EACH {
                post(&*process, &log[0], &[&format!("{n} {event:03}")]).await?;
            }
            return Ok(Vec::new());
        }
        // Whoever comes later begins with what is there already.
        let mut subscription = Subscription::armed(&*process, &log).await?;
        subscription.rewind(&log[0]);
        subscription.take(EACH * WRITERS).await
    });
    let seen: Result<Vec<_>, BoxError> = seen.await.into_iter().collect();
    let seen = seen?;
    let orders = &seen[WRITERS..];
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
    for writer in ["0 ", "1 "] {
        let own = orders[0].iter().filter(|text| text.starts_with(writer));
        assert!(own.clone().count() == EACH && own.is_sorted());
    }
    Ok(())
}

pub async fn bp_03_each_subscriber_gets_each_event_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    const EACH: usize = 10;
    let logs: Vec<_> = (0..8).map(LogKey::Broadcast).collect();
    let (here, there) = (case.open().await?, case.open().await?);
    let mut subscriptions = Vec::new();
    for process in [&here, &here, &there] {
        subscriptions.push(Subscription::armed(process, &logs).await?);
    }
    let mut expected = BTreeMap::new();
    for event in 0..EACH {
        for (n, log) in logs.iter().enumerate() {
            let texts = [format!("{n} {event} a"), format!("{n} {event} b")];
            let process = if n % 2 == 0 { &here } else { &there };
            post(process, log, &[&texts[0], &texts[1]]).await?;
            expected.extend(texts.map(|text| (text, 1)));
        }
    }
    for subscription in &mut subscriptions {
        let mut found = BTreeMap::new();
        for text in subscription.take(expected.len()).await? {
            *found.entry(text).or_insert(0) += 1;
        }
        assert_eq!(found, expected);
    }
    Ok(())
}

pub async fn bp_05_a_loss_is_one_gap_before_later_events<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Broadcast(0);
    post(&there, &log, &["before"]).await?;
    let mut subscription = Subscription::armed(&here, std::slice::from_ref(&log)).await?;
    post_keeping(&there, &log, &["a", "b", "c"], FEW).await?;
    assert_eq!(subscription.take(3).await?, ["gap", "b", "c"]);
    post_keeping(&there, &log, &["d"], FEW).await?;
    assert_eq!(subscription.take(1).await?, ["d"]);
    // All of it trimmed, then a new epoch.
    post_keeping(&there, &log, &["e"], Retention { events: 0, ..ALL }).await?;
    assert_eq!(subscription.take(1).await?, ["gap"]);
    let last = known_head(there.events(), &log).await?.last;
    let ahead = Position::new(last.epoch, last.seq + 1);
    append_seen(there.events(), &log, "f", ahead).await?;
    assert_eq!(subscription.take(2).await?, ["gap", "f"]);
    assert_eq!(subscription.take(0).await?, [""; 0]);
    Ok(())
}

pub async fn bp_05_a_log_that_vanishes_is_one_gap<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    let log = stream("s", "get");
    append(process.events(), &log, &["a"]).await?;
    let mut subscription = Subscription::armed(&process, std::slice::from_ref(&log)).await?;
    process.events().seal(&log, None, MINUTE).await?;
    assert_eq!(subscription.take(0).await?, [""; 0]);
    case.advance(MINUTE * 2).await?;
    assert_eq!(subscription.take(1).await?, ["gap"]);
    assert_eq!(subscription.take(0).await?, [""; 0]);
    append(process.events(), &log, &["again"]).await?;
    assert_eq!(subscription.take(1).await?, ["again"]);
    Ok(())
}

pub async fn bp_06_a_slow_subscriber_gets_a_gap_and_what_is_kept<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let logs = [LogKey::Broadcast(0), LogKey::Broadcast(1)];
    let mut slow = Subscription::armed(&here, &logs).await?;
    let mut quick = Subscription::armed(&here, &logs).await?;
    for n in 0..300 {
        let text = n.to_string();
        post_keeping(&there, &logs[0], &[&text], FEW).await?;
        assert_eq!(quick.take(1).await?, [text]);
    }
    post(&there, &logs[1], &["other"]).await?;
    assert_eq!(quick.take(1).await?, ["other"]);
    assert_eq!(slow.take(4).await?, ["gap", "298", "299", "other"]);
    Ok(())
}

pub async fn bp_09_own_events_come_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    let log = LogKey::Broadcast(5);
    let mut subscription = Subscription::armed(&process, std::slice::from_ref(&log)).await?;
    for n in 0..20 {
        let text = n.to_string();
        post(&process, &log, &[&text]).await?;
        assert_eq!(subscription.take(1).await?, [text]);
    }
    Ok(())
}

pub async fn bp_10_large_events_come_whole<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Broadcast(0);
    let mut subscription = Subscription::armed(&here, std::slice::from_ref(&log)).await?;
    for size in [7999, 8000, 8001, 70_000, 1 << 20] {
        let text = "x".repeat(size);
        post(&there, &log, &[&text]).await?;
        let found = subscription.take(1).await?;
        assert!(found == [text], "{size} bytes do not come whole");
    }
    Ok(())
}

pub async fn bp_16_a_poll_needs_no_wake_up<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let logs = [
        LogKey::Broadcast(0),
        LogKey::Broadcast(1),
        stream("s", "get"),
    ];
    append(there.events(), &logs[0], &["before"]).await?;
    let mut tail = Tail::new(logs.clone());
    tail.arm(here.events()).await?;
    for n in 0..20 {
        let text = n.to_string();
        append(there.events(), &logs[n % 3], &[&text]).await?;
        let found = tail.poll(here.events()).await?;
        let found: Vec<_> = found.iter().map(shown).collect();
        assert_eq!(found, [text]);
    }
    assert_eq!(tail.poll(here.events()).await?, []);
    Ok(())
}

pub async fn x_07_a_poll_given_up_loses_and_repeats_nothing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for polls in 0.. {
        let name = |log: &str| stream(&polls.to_string(), log);
        let (trimmed, whole) = (name("a"), name("b"));
        append(there.events(), &trimmed, &["old"]).await?;
        let mut tail = Tail::new([trimmed.clone(), whole.clone()]);
        tail.arm(here.events()).await?;
        append_keeping(there.events(), &trimmed, &["a", "b", "c"], FEW).await?;
        let batch = payloads(&["d"]);
        there
            .events()
            .append(&whole, Append::new(&batch, ALL))
            .await?;
        let given_up = drop_after_polls(tail.poll(here.events()), polls).await;
        let mut found = given_up.transpose()?.unwrap_or_default();
        let done = !found.is_empty();
        found.extend(tail.poll(here.events()).await?);
        let found: Vec<_> = found.iter().map(shown).collect();
        assert_eq!(found, ["gap", "b", "c", "d"], "after {polls} polls");
        if done {
            break;
        }
    }
    Ok(())
}
