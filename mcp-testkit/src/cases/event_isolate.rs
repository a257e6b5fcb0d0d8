//! No log sees, delays or evicts the events of another.

use std::collections::BTreeSet;

use mcp_core::store::{
    Append, EventStore, From, InstanceId, LogKey, Position, Read, Retention, SessionId,
};

use super::event_support::{
    ALL, MINUTE, all_texts, append, append_keeping, attach, gap, head, known_head, payloads, read,
    read_as, stream, texts,
};
use crate::{Case, CaseResult, Harness};

pub async fn el_08_logs_do_not_mix<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let logs = [
        stream("a", "get"),
        stream("b", "get"),
        stream("a", "post"),
        LogKey::Inbox(InstanceId::new("a")),
        LogKey::Inbox(InstanceId::new("b")),
        LogKey::Inbox(InstanceId::new("0")),
        LogKey::Inbox(InstanceId::new("config")),
        LogKey::Broadcast(0),
        LogKey::Broadcast(7),
        LogKey::Config,
        stream("0", "0"),
        stream("config", "config"),
    ];
    for round in ["first", "second"] {
        for (n, log) in logs.iter().enumerate() {
            append(&here, log, &[&format!("{round} {n}")]).await?;
        }
    }
    for (n, log) in logs.iter().enumerate() {
        let expected = [format!("first {n}"), format!("second {n}")];
        assert_eq!(all_texts(&there, log).await?, expected, "{log:?}");
    }
    Ok(())
}

/// Pairs of names that an encoding may take for each other.
pub(crate) fn odd_names() -> Vec<LogKey> {
    let long = "n".repeat(4096);
    let mut names = Vec::new();
    for separator in [
        ":", "/", ".", "\0", "\n", "|", ",", " ", "%", "\\", "\u{1f}", "-", "_",
    ] {
        names.push(stream("a", &format!("b{separator}c")));
        names.push(stream(&format!("a{separator}b"), "c"));
        names.push(stream(&format!("a{separator}"), "b"));
        names.push(stream("a", &format!("{separator}b")));
    }
    for name in [
        "*",
        "?",
        "[a]",
        "{a}",
        "}",
        "{",
        "a",
        "A",
        "a ",
        "%00",
        "%2A",
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{1f980}",
        "'",
        "\"",
        "$1",
        "0",
        "00",
        "-0",
    ] {
        names.push(stream(name, "get"));
        names.push(stream("get", name));
    }
    for end in ["x", "y", ""] {
        names.push(stream("s", &format!("{long}{end}")));
        names.push(stream(&format!("{long}{end}"), "get"));
        names.push(stream("s", &format!("{}{end}", &long[..63])));
    }
    for inbox in ["*", "a*", "a:b", "{a}", &long, &long[..63], &long[..64]] {
        names.push(LogKey::Inbox(InstanceId::new(inbox)));
    }
    names
}

pub async fn el_08_odd_names_do_not_collide<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let names: Vec<_> = odd_names()
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    for (n, log) in names.iter().enumerate() {
        assert_eq!(head(&there, log).await?, None, "{log:?} is new");
        let first = append(&here, log, &[&n.to_string()]).await?;
        assert_eq!(first.seq, 1, "{log:?}");
    }
    let heads = there.heads(&names).await?;
    for ((n, log), head) in names.iter().enumerate().zip(heads) {
        assert_eq!(head.map(|head| head.last.seq), Some(1), "{log:?}");
        assert_eq!(all_texts(&there, log).await?, [n.to_string()], "{log:?}");
    }
    Ok(())
}

pub async fn el_08_odd_names_are_purged_apart<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let sessions = [
        "*", "a*", "a?", "ab", "a", "a:", "a\0", "{a}", "[ab]", "%", "_", "a_", "\\",
    ];
    for session in sessions {
        append(&store, &stream(session, "get"), &["x"]).await?;
    }
    for (n, purged) in sessions.into_iter().enumerate() {
        let count = store.purge(&SessionId::new(purged)).await?;
        assert_eq!(count, 1, "{purged:?}");
        for (other, session) in sessions.into_iter().enumerate() {
            let there = head(&store, &stream(session, "get")).await?.is_some();
            assert_eq!(
                there,
                other > n,
                "{session:?} after the purge of {purged:?}"
            );
        }
    }
    Ok(())
}

pub async fn el_08_a_key_is_of_one_log<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let logs = [
        stream("a", "get"),
        stream("b", "get"),
        stream("a", "post"),
        LogKey::Broadcast(0),
    ];
    for (n, log) in logs.iter().enumerate() {
        let text = n.to_string();
        let batch = payloads(&[&text]);
        let appended = store.append(log, Append::new(&batch, ALL).key("k")).await?;
        assert!(!appended.duplicate, "{log:?}");
        assert_eq!(all_texts(&store, log).await?, [text]);
    }
    Ok(())
}

pub async fn el_09_a_position_of_another_log_is_good_for_nothing<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let foreign = append(&store, &stream("a", "get"), &["secret", "secret"]).await?;
    for own in [
        stream("b", "get"),
        stream("a", "post"),
        LogKey::Broadcast(0),
    ] {
        assert_eq!(read(&store, &own, foreign).await?, Read::Unknown);
        append(&store, &own, &["own", "own", "own"]).await?;
        for seq in [1, 2, 3] {
            let forged = Position::new(foreign.epoch, seq);
            gap(&read(&store, &own, forged).await?)?;
            let resumed = attach(&store, &own, 1, From::After(forged)).await?;
            gap(&read_as(&store, &own, resumed.after, resumed.generation, 9).await?)?;
        }
    }
    Ok(())
}

pub async fn el_17_what_happens_to_one_log_leaves_others<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let busy = stream("a", "busy");
    let others = [
        stream("a", "get"),
        stream("b", "busy"),
        LogKey::Broadcast(0),
    ];
    let mut readers = Vec::new();
    for log in &others {
        append(&store, log, &["a", "b"]).await?;
        readers.push(attach(&store, log, 7, From::Acknowledged).await?);
    }
    let before = store.heads(&others).await?;
    let few = Retention {
        events: 1,
        bytes: 10,
        age: Some(MINUTE),
    };
    for _ in 0..100 {
        append_keeping(&store, &busy, &["many"], few).await?;
    }
    case.advance(MINUTE * 2).await?;
    append_keeping(&store, &busy, &["many"], few).await?;
    attach(&store, &busy, 1, From::Acknowledged).await?;
    store.seal(&busy, Some("end".into()), MINUTE).await?;
    case.advance(MINUTE * 2).await?;
    assert_eq!(head(&store, &busy).await?, None);
    assert_eq!(store.heads(&others).await?, before);
    for (log, own) in others.iter().zip(readers) {
        let found = read_as(&store, log, own.after, own.generation, 9).await?;
        assert_eq!(texts(found)?, ["a", "b"]);
    }
    Ok(())
}

pub async fn el_23_positions_are_unique_over_all_logs<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let logs: Vec<_> = (0..50).map(|n| stream("s", &n.to_string())).collect();
    let mut written = Vec::new();
    for (n, log) in logs.iter().enumerate() {
        let store = if n % 2 == 0 { &here } else { &there };
        written.push(append(store, log, &["x"]).await?);
    }
    let epochs: BTreeSet<_> = written.iter().map(|position| position.epoch).collect();
    assert_eq!(epochs.len(), logs.len());
    drop((here, there));
    let fresh = case.open().await?;
    for (log, position) in logs.iter().zip(written) {
        assert_eq!(known_head(&fresh, log).await?.last, position);
        let next = append(&fresh, log, &["y"]).await?;
        assert_eq!(next, Position::new(position.epoch, 2));
    }
    Ok(())
}
