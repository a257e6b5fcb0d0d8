//! Logs while the backend is away, and afterwards.

use std::time::Duration;

use mcp_core::{
    BoxError,
    store::{Append, EventStore, From, LogKey, Position, SessionId, StoreError, StoreErrorKind},
};
use tokio::time::timeout;

use super::event_support::{ALL, MINUTE, PAGE, all_texts, append, payloads, reader, stream};
use crate::{Case, CaseResult, Harness};

/// Twice the deadline that a call has unless told, and some more for a busy machine.
const BOUND: Duration = Duration::from_secs(6);

/// The kind of a failure that must come in time.
async fn fails<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<StoreErrorKind, BoxError> {
    match timeout(BOUND, call).await {
        Ok(Err(error)) => Ok(error.kind()),
        Ok(Ok(_)) => Err("a call succeeds while the backend is away".into()),
        Err(_) => Err("a call does not end while the backend is away".into()),
    }
}

pub async fn x_01_every_call_fails_in_time_while_the_backend_is_away<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let log = stream("s", "get");
    append(&store, &log, &["a"]).await?;
    let batch = payloads(&["b"]);
    case.sever().await?;
    let kinds = [
        fails(store.append(&log, Append::new(&batch, ALL))).await?,
        fails(store.attach(&log, &reader(1), From::Acknowledged)).await?,
        fails(store.read(&log, Position::BEGINNING, None, PAGE)).await?,
        fails(store.heads(std::slice::from_ref(&log))).await?,
        fails(store.seal(&log, None, MINUTE)).await?,
        fails(store.purge(&SessionId::new("s"))).await?,
    ];
    for kind in kinds {
        let down = [StoreErrorKind::Unavailable, StoreErrorKind::Unknown];
        assert!(down.contains(&kind), "{kind:?}");
    }
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
        fails(store.append(&log, keyed())).await?;
        case.restore().await?;
        // A connection may be made anew first: so long as it fails, it is retried.
        let again = async {
            loop {
                match store.append(&log, keyed()).await {
                    Err(error) if error.is_retryable() => tokio::task::yield_now().await,
                    answer => return answer,
                }
            }
        };
        let again = timeout(BOUND, again).await??;
        assert_eq!(again.last.seq, 2);
    }
    assert_eq!(all_texts(&case.open().await?, &log).await?, ["a", "b"]);
    Ok(())
}
