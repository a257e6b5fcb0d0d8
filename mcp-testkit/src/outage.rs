//! What cases about outages share.

use std::{future::Future, time::Duration};

use mcp_core::{
    BoxError,
    store::{StoreError, StoreErrorKind},
};
use tokio::time::{interval, timeout};

/// A call that takes longer without its backend has no deadline; stores have two seconds.
const DEADLINE: Duration = Duration::from_secs(6);

/// How long a store may take to find its backend again, and how often it is asked.
const RECOVERY: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// How many calls are made before the backend goes.
pub(crate) const BEFORE: usize = 20;

/// A writer that never hears of the outage stops after this many calls.
pub(crate) const MOST: usize = 5000;

/// The call must fail, soon, with `Unavailable` or `Unknown`.
pub(crate) async fn must_fail<T>(
    name: &str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<(), BoxError> {
    match timeout(DEADLINE, call).await {
        Ok(Ok(_)) => Err(format!("`{name}` answered without its backend").into()),
        Ok(Err(error)) if error.is_retryable() => Ok(()),
        Ok(Err(error)) => {
            let kind = error.kind();
            Err(format!("`{name}` failed with {kind:?} and should be worth another try").into())
        }
        Err(_) => Err(format!("`{name}` did not end within {DEADLINE:?}").into()),
    }
}

/// The call must succeed before long: it is repeated while the backend seems to be away.
pub(crate) async fn must_recover<T, Fut>(
    call: impl Fn() -> Fut + Send + Sync,
) -> Result<T, BoxError>
where
    Fut: Future<Output = Result<T, StoreError>> + Send,
    T: Send,
{
    let mut pause = interval(PAUSE);
    let answer = timeout(RECOVERY, async {
        loop {
            pause.tick().await;
            match call().await {
                Err(error) if error.is_retryable() => {}
                answer => return answer,
            }
        }
    });
    let answer = answer
        .await
        .map_err(|_| "the backend is back, and the store is not")?;
    Ok(answer?)
}

/// Whether what a call did may be there afterwards, must be, or must not be.
pub(crate) fn may_be<T>(answer: &Result<T, StoreError>, is_there: bool) -> bool {
    match answer {
        Ok(_) => is_there,
        Err(error) if error.kind() == StoreErrorKind::Unavailable => !is_there,
        Err(error) => error.kind() == StoreErrorKind::Unknown,
    }
}
