//! Wake-ups and subscriptions while the backend is away, and afterwards.

use std::time::Duration;

use mcp_core::{
    BoxError,
    store::{Append, Audience, LogKey, StoreError, StoreErrorKind, WakeUp},
};
use tokio::{task::yield_now, time::timeout};

use super::{
    event_support::{ALL, payloads},
    topic_support::{Held, Subscription, hears, listen, nth, post, tell_everyone},
};
use crate::{Case, CaseResult, Harness, topic::Topics};

/// Longer than a call's deadline, a probe and a pause between attempts, on a busy machine.
const BOUND: Duration = Duration::from_secs(15);

/// Repeats a call so long as the backend is not there again.
async fn retried<T, Fut>(call: impl Fn() -> Fut + Send + Sync) -> Result<T, BoxError>
where
    T: Send,
    Fut: Future<Output = Result<T, StoreError>> + Send,
{
    let again = async {
        loop {
            match call().await {
                Err(error) if error.is_retryable() => yield_now().await,
                answer => return answer,
            }
        }
    };
    Ok(timeout(BOUND, again).await??)
}

async fn publish(process: &dyn Topics, log: &LogKey) -> Result<(), BoxError> {
    retried(|| process.notifier().publish(&Audience::Everyone, log)).await
}

pub async fn bp_04_an_event_is_delivered_after_an_outage<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let log = LogKey::Broadcast(0);
    let mut subscription = Subscription::armed(&here, std::slice::from_ref(&log)).await?;
    post(&there, &log, &["before"]).await?;
    assert_eq!(subscription.take(1).await?, ["before"]);
    for text in ["first", "second", "third"] {
        case.sever().await?;
        case.restore().await?;
        let batch = payloads(&[text]);
        let keyed = || Append::new(&batch, ALL).key(text);
        retried(|| there.events().append(&log, keyed())).await?;
        publish(&there, &log).await?;
        assert_eq!(subscription.take_patiently(1).await?, [text]);
    }
    Ok(())
}

pub async fn bp_04_a_wake_up_or_a_possible_loss_is_heard<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let mut listener = listen(here.notifier(), "a").await?;
    for n in 0..3 {
        tell_everyone(there.notifier(), &nth(n)).await?;
        hears(&mut listener, &nth(n)).await?;
        case.sever().await?;
        case.restore().await?;
        let after = nth(100 + n);
        publish(&there, &after).await?;
        let heard = async {
            loop {
                match listener.next().await {
                    Some(WakeUp::Look(log)) if log != after => {}
                    heard => return heard.is_some(),
                }
            }
        };
        assert!(timeout(BOUND, heard).await?, "the listener ended");
        // Both hear and speak again before the next outage.
        let again = async {
            for again in 0.. {
                publish(&there, &nth(1000 * (n + 1) + again)).await?;
                if hears(&mut listener, &nth(1000 * (n + 1) + again))
                    .await
                    .is_ok()
                {
                    break;
                }
            }
            Ok::<_, BoxError>(())
        };
        timeout(BOUND, again).await??;
    }
    Ok(())
}

pub async fn bp_20_publishing_fails_in_time_while_the_backend_is_away<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    tell_everyone(process.notifier(), &nth(0)).await?;
    case.sever().await?;
    for n in 1..4 {
        let log = nth(n);
        let failed = process.notifier().publish(&Audience::Everyone, &log);
        let failed = timeout(BOUND / 2, failed).await?;
        let kind = failed.map_err(|error| error.kind());
        let down = [StoreErrorKind::Unavailable, StoreErrorKind::Unknown];
        assert!(kind.is_err_and(|kind| down.contains(&kind)), "{kind:?}");
    }
    case.restore().await?;
    publish(&process, &nth(4)).await
}

pub async fn bp_21_what_is_dropped_ends_while_the_backend_is_away<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let before = Held::now()?;
    let process = case.open().await?;
    let listener = listen(process.notifier(), "a").await?;
    tell_everyone(process.notifier(), &nth(0)).await?;
    case.sever().await?;
    drop((listener, process));
    Held::falls_to(before.tasks, before.files + 200).await?;
    case.restore().await
}
