//! Calls that are given up: every call is dropped at each of its suspension points.

use mcp_core::store::{Append, EventStore, From, LogKey, Position, Read, SessionId};

use super::event_support::{
    ALL, MINUTE, all_texts, append, attach, head, payloads, positions, read, read_as, reader,
    stream, texts,
};
use crate::{Case, CaseResult, Harness, drop_after_polls};

pub async fn x_06_an_append_given_up_stands_as_a_whole_or_not_at_all<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let batch = payloads(&["a", "b", "c"]);
    for polls in 0.. {
        let log = stream("s", &polls.to_string());
        let given_up = here.append(&log, Append::new(&batch, ALL));
        let done = drop_after_polls(given_up, polls).await.transpose()?;
        let found = all_texts(&there, &log).await?.concat();
        assert!(["", "abc"].contains(&found.as_str()), "{found}");
        append(&here, &log, &["d"]).await?;
        let found = all_texts(&there, &log).await?.concat();
        // What is already on its way may arrive after it was given up.
        assert!(["d", "abcd", "dabc"].contains(&found.as_str()), "{found}");
        if done.is_some() {
            assert_eq!(found, "abcd");
            break;
        }
    }
    Ok(())
}

pub async fn x_06_a_seal_given_up_stands_with_its_event_or_not_at_all<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for polls in 0.. {
        let log = stream("s", &polls.to_string());
        append(&here, &log, &["a"]).await?;
        let given_up = here.seal(&log, Some("end".into()), MINUTE);
        let done = drop_after_polls(given_up, polls).await.transpose()?;
        match read(&there, &log, Position::BEGINNING).await? {
            Read::Events { events, sealed, .. } => assert_eq!(events.len() == 2, sealed),
            other => return Err(format!("no events: {other:?}").into()),
        }
        let late = here.seal(&log, Some("late".into()), MINUTE).await?.is_first;
        let end = if late { "late" } else { "end" };
        assert_eq!(all_texts(&there, &log).await?, ["a", end]);
        if let Some(first) = done {
            assert!(first.is_first && !late);
            break;
        }
    }
    Ok(())
}

pub async fn x_06_a_purge_given_up_leaves_whole_logs_and_can_be_repeated<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for polls in 0.. {
        let name = polls.to_string();
        let session = SessionId::new(name.as_str());
        let logs = ["a", "b", "c"].map(|log| stream(&name, log));
        for log in &logs {
            append(&here, log, &["x", "y"]).await?;
        }
        let done = drop_after_polls(here.purge(&session), polls)
            .await
            .transpose()?;
        for log in &logs {
            let found = all_texts(&there, log).await?;
            assert!(found.is_empty() || found == ["x", "y"], "{found:?}");
        }
        let left = here.purge(&session).await?;
        assert_eq!(there.heads(&logs).await?, [None; 3]);
        if let Some(purged) = done {
            assert_eq!((purged, left), (3, 0));
            break;
        }
    }
    Ok(())
}

pub async fn x_06_an_attach_given_up_can_be_repeated<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    for polls in 0.. {
        let log = stream("s", &polls.to_string());
        append(&here, &log, &["a"]).await?;
        let first = attach(&here, &log, 1, From::Acknowledged).await?;
        let second = reader(2);
        let given_up = here.attach(&log, &second, From::Acknowledged);
        let done = drop_after_polls(given_up, polls).await.transpose()?;
        match read_as(&here, &log, first.after, first.generation, 9).await? {
            Read::Superseded => {}
            found => assert_eq!((texts(found)?, done.is_some()), (vec!["a".into()], false)),
        }
        // One that was given up may still arrive, and supersede once.
        let mut found = Read::Superseded;
        for _ in 0..2 {
            if found == Read::Superseded {
                let third = attach(&there, &log, 3, From::Acknowledged).await?;
                assert!(third.generation > first.generation);
                found = read_as(&there, &log, third.after, third.generation, 9).await?;
            }
        }
        assert_eq!(texts(found)?, ["a"]);
        if done.is_some() {
            break;
        }
    }
    Ok(())
}

pub async fn x_07_a_read_given_up_loses_nothing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Broadcast(0);
    let first = append(&here, &log, &["a"]).await?;
    append(&here, &log, &["b", "c"]).await?;
    for polls in 0.. {
        let own = attach(&here, &log, 1, From::After(Position::BEGINNING)).await?;
        read_as(&here, &log, Position::BEGINNING, own.generation, 1).await?;
        let given_up = read_as(&here, &log, first, own.generation, 9);
        let done = drop_after_polls(given_up, polls).await.transpose()?;
        let next = attach(&there, &log, 2, From::Acknowledged).await?;
        let acknowledged = [Position::BEGINNING, first].contains(&next.after);
        assert!(acknowledged, "what was not handed on is acknowledged");
        let again = read_as(&there, &log, first, next.generation, 9).await?;
        assert_eq!(positions(again.clone())?.len(), 2);
        assert_eq!(texts(again.clone())?, ["b", "c"]);
        if let Some(found) = done {
            assert_eq!(found, again);
            break;
        }
    }
    assert!(head(&here, &log).await?.is_some());
    Ok(())
}
