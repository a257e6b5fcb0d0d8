//! What is left of a session: nothing.

use mcp_core::store::{
    Append, EventStore, From, LogKey, Position, Read, SessionId, StoreErrorKind,
};

use super::event_support::{
    ALL, MINUTE, append, attach, failure, head, payloads, read, read_as, reader, stream,
};
use crate::{Case, CaseResult, Harness, race};

pub async fn el_19_a_purge_leaves_nothing_of_the_session<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let session = SessionId::new("s");
    let mine = ["a", "b", "sealed"].map(|name| stream("s", name));
    let mut others = ["r", "s2", "S", "t"]
        .map(|other| stream(other, "a"))
        .to_vec();
    others.push(LogKey::Broadcast(0));
    for log in mine.iter().chain(&others) {
        append(&here, log, &["x"]).await?;
    }
    here.seal(&mine[2], Some("end".into()), MINUTE).await?;
    let attached = attach(&here, &mine[0], 1, From::Acknowledged).await?;
    let before = here.heads(&others).await?;
    assert_eq!(there.purge(&session).await?, 3);
    assert_eq!(here.purge(&session).await?, 0);
    assert_eq!(here.heads(&mine).await?, [None; 3]);
    for log in &mine {
        assert_eq!(read(&here, log, Position::BEGINNING).await?, Read::Unknown);
    }
    let answer = read_as(&here, &mine[0], attached.after, attached.generation, 9).await?;
    assert_eq!(answer, Read::Unknown);
    assert_eq!(here.heads(&others).await?, before);
    Ok(())
}

pub async fn el_19_a_purged_session_takes_no_logs<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    append(&here, &stream("s", "old"), &["x"]).await?;
    here.purge(&SessionId::new("s")).await?;
    here.purge(&SessionId::new("never")).await?;
    let late = payloads(&["late"]);
    for log in [
        stream("s", "old"),
        stream("s", "new"),
        stream("never", "new"),
    ] {
        for store in [&here, &there] {
            let refused = store.append(&log, Append::new(&late, ALL)).await;
            assert_eq!(failure(refused)?, StoreErrorKind::Conflict);
            let keyed = store.append(&log, Append::new(&late, ALL).key("k")).await;
            assert_eq!(failure(keyed)?, StoreErrorKind::Conflict);
            assert!(!store.seal(&log, Some("end".into()), MINUTE).await?.is_first);
            for from in [From::Acknowledged, From::After(Position::BEGINNING)] {
                assert_eq!(store.attach(&log, &reader(1), from).await?, None);
            }
            assert_eq!(head(store, &log).await?, None);
        }
    }
    append(&there, &stream("other", "new"), &["x"]).await?;
    Ok(())
}

pub async fn el_19_appends_that_race_a_purge_leave_nothing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(4).await?;
    for round in 0..case.rounds() {
        let session = format!("s{round}");
        let logs = ["1", "2", "3"].map(|name| stream(&session, name));
        append(&*stores[0], &logs[1], &["before"]).await?;
        let answers = race(stores.clone(), |n, store| {
            let (session, logs) = (SessionId::new(session.as_str()), logs.clone());
            async move {
                if n == 0 {
                    return store.purge(&session).await.map(drop);
                }
                let batch = payloads(&["x"]);
                store
                    .append(&logs[n - 1], Append::new(&batch, ALL))
                    .await
                    .map(drop)
            }
        });
        for (n, answer) in answers.await.into_iter().enumerate() {
            if let Err(error) = answer {
                assert_eq!((n > 0, error.kind()), (true, StoreErrorKind::Conflict));
            }
        }
        assert_eq!(stores[1].heads(&logs).await?, [None; 3]);
    }
    Ok(())
}
