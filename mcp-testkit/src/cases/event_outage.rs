//! Logs while the backend is away, and afterwards.

use std::slice::from_ref;

use mcp_core::store::{Append, EventStore, From, LogKey, Position, SessionId};

use super::event_support::{ALL, MINUTE, PAGE, all_texts, append, payloads, reader, stream};
use crate::{
    Case, CaseResult, Harness,
    outage::{must_fail, must_recover},
};

pub async fn x_01_every_call_fails_in_time_while_the_backend_is_away<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let (log, reader) = (stream("s", "get"), reader(1));
    append(&store, &log, &["a"]).await?;
    let batch = payloads(&["b"]);
    case.sever().await?;
    must_fail("append", store.append(&log, Append::new(&batch, ALL))).await?;
    must_fail("attach", store.attach(&log, &reader, From::Acknowledged)).await?;
    must_fail("read", store.read(&log, Position::BEGINNING, None, PAGE)).await?;
    must_fail("heads", store.heads(from_ref(&log))).await?;
    must_fail("seal", store.seal(&log, None, MINUTE)).await?;
    must_fail("purge", store.purge(&SessionId::new("s"))).await?;
    case.restore().await
}

pub async fn x_02_calls_succeed_when_the_backend_is_back<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = LogKey::Broadcast(0);
    append(&store, &log, &["a"]).await?;
    let batch = payloads(&["b"]);
    let keyed = || Append::new(&batch, ALL).key("k");
    for _ in 0..3 {
        case.sever().await?;
        must_fail("append", store.append(&log, keyed())).await?;
        case.restore().await?;
        let again = must_recover(|| store.append(&log, keyed())).await?;
        assert_eq!(again.last.seq, 2);
    }
    assert_eq!(all_texts(&case.open().await?, &log).await?, ["a", "b"]);
    Ok(())
}
