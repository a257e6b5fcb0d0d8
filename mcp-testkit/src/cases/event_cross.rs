//! What holds for every trait, for logs.

use bytes::Bytes;
use futures_util::future::try_join_all;
use mcp_core::store::{Append, EventStore, From, LogKey, Position, SessionId};

use super::event_support::{
    ALL, MINUTE, all_texts, append, attach, known_head, on_one_thread, payloads, read_as, stream,
    texts,
};
use crate::{Case, CaseResult, Harness, race, shown::everything};

pub async fn x_08_every_call_works_on_a_runtime_of_one_thread<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let calls = async {
        let (here, there) = (case.open().await?, case.open().await?);
        let log = stream("s", "get");
        let writers =
            (0..50).map(|n| append(if n % 2 == 0 { &here } else { &there }, &log, &["x"]));
        try_join_all(writers).await?;
        let attached = attach(&there, &log, 1, From::Acknowledged).await?;
        let found = read_as(&here, &log, attached.after, attached.generation, 99).await?;
        assert_eq!(texts(found)?.len(), 50);
        assert_eq!(known_head(&there, &log).await?.last.seq, 50);
        assert!(here.seal(&log, Some("end".into()), MINUTE).await?.is_first);
        assert_eq!(there.purge(&SessionId::new("s")).await?, 1);
        here.sweep(10).await?;
        Ok(())
    };
    on_one_thread(calls)
}

/// Twenty at a time write the same log, so they wait for each other too.
pub async fn x_09_a_thousand_appends_at_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const LOGS: usize = 50;
    const EACH: usize = 20;
    let log = |number: usize| stream(&format!("s{number}"), "get");
    let handles = case.crowd(LOGS * EACH).await?;
    let written = race(handles, |writer, store| async move {
        append(&*store, &log(writer % LOGS), &["x"]).await
    });
    for position in written.await {
        position?;
    }
    let store = case.open().await?;
    for number in 0..LOGS {
        assert_eq!(all_texts(&store, &log(number)).await?.len(), EACH);
    }
    Ok(())
}

pub async fn x_10_errors_show_neither_payloads_nor_sessions<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    const SESSION: &str = "sssss-4711-sssss";
    const PAYLOAD: &str = "ppppp-0815-ppppp";
    let store = case.open().await?;
    let (sealed, purged) = (stream(SESSION, "a"), stream("purged-4711-purged", "a"));
    let (one, other) = (payloads(&[PAYLOAD]), payloads(&[PAYLOAD, PAYLOAD]));
    let key = format!("{SESSION}:1");
    store
        .append(&sealed, Append::new(&one, ALL).key(&key))
        .await?;
    store.seal(&sealed, None, MINUTE).await?;
    store.purge(&SessionId::new("purged-4711-purged")).await?;
    let mut large = PAYLOAD.as_bytes().repeat(1 << 20);
    large.truncate(17 << 20);
    let large = [Bytes::from(large)];
    let mut errors = Vec::new();
    for (log, batch) in [
        (&sealed, Append::new(&other, ALL).key(&key)),
        (&sealed, Append::new(&one, ALL)),
        (&purged, Append::new(&one, ALL)),
        (&sealed, Append::new(&[], ALL)),
        (&stream(SESSION, "b"), Append::new(&large, ALL)),
    ] {
        errors.extend(store.append(log, batch).await.err());
    }
    assert!(errors.len() >= 4);
    for error in errors {
        let text = everything(&error);
        for secret in [SESSION, PAYLOAD, "purged-4711-purged"] {
            assert!(
                !text.contains(secret),
                "an error of {} shows it",
                error.operation()
            );
        }
    }
    Ok(())
}

pub async fn x_13_namespaces_do_not_share_logs<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (mine, theirs) = (case.open().await?, case.open_neighbour().await?);
    let logs = [stream("s", "get"), LogKey::Broadcast(0), LogKey::Config];
    let batch = payloads(&["theirs"]);
    for log in &logs {
        theirs
            .append(log, Append::new(&batch, ALL).key("k"))
            .await?;
        attach(&theirs, log, 1, From::Acknowledged).await?;
    }
    let before = theirs.heads(&logs).await?;
    assert_eq!(mine.heads(&logs).await?, [None; 3]);
    let batch = payloads(&["mine"]);
    for log in &logs {
        let appended = mine.append(log, Append::new(&batch, ALL).key("k")).await?;
        assert_eq!((appended.last.seq, appended.reader), (1, None));
        assert_eq!(all_texts(&mine, log).await?, ["mine"]);
    }
    mine.seal(&logs[1], None, MINUTE).await?;
    mine.purge(&SessionId::new("s")).await?;
    mine.sweep(1000).await?;
    assert_eq!(theirs.heads(&logs).await?, before);
    for log in &logs {
        let next = attach(&theirs, log, 2, From::Acknowledged).await?;
        assert_eq!(next.after, Position::BEGINNING);
        assert_eq!(all_texts(&theirs, log).await?, ["theirs"]);
    }
    append(&theirs, &logs[0], &["more"]).await?;
    Ok(())
}
