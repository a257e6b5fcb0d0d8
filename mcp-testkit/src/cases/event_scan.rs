//! What logs leave in the backend.

use mcp_core::store::{Append, EventStore, From, LogKey, SessionId};

use super::event_support::{ALL, MINUTE, append, attach, payloads, stream};
use crate::{Case, CaseResult, Harness, session::DAY};

async fn sweep(store: &impl EventStore) -> CaseResult {
    while store.sweep(1000).await? > 0 {}
    Ok(())
}

pub async fn el_19_a_purged_session_leaves_one_mark_and_then_nothing<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, other) = (case.open().await?, case.open().await?);
    let before = case.held().await?;
    let logs = ["a", "b", "sealed"].map(|name| stream("s", name));
    for log in &logs {
        append(&store, log, &["x", "y"]).await?;
        let batch = payloads(&["z"]);
        store.append(log, Append::new(&batch, ALL).key("k")).await?;
    }
    attach(&store, &logs[0], 1, From::Acknowledged).await?;
    store.seal(&logs[2], Some("end".into()), MINUTE).await?;
    assert!(case.held().await? >= before + 3);
    assert_eq!(other.purge(&SessionId::new("s")).await?, 3);
    let mark = case.held().await?;
    assert!(mark <= before + 1, "{mark} held, {before} before");
    case.advance(DAY).await?;
    sweep(&store).await?;
    assert_eq!(case.held().await?, before);
    Ok(())
}

pub async fn el_21_a_log_whose_time_is_over_is_swept_away_whole<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let before = case.held().await?;
    let inbox = LogKey::Inbox(mcp_core::store::InstanceId::new("i"));
    for log in [stream("s", "get"), inbox] {
        append(&store, &log, &["x", "y"]).await?;
        store.seal(&log, Some("end".into()), MINUTE).await?;
    }
    assert!(case.held().await? >= before + 2);
    // What a backend keeps to find the logs of a session may live longer than they.
    case.advance(DAY * 3).await?;
    sweep(&store).await?;
    assert_eq!(case.held().await?, before);
    Ok(())
}
