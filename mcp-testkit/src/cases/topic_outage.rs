//! Wake-ups and subscriptions while the backend is away, and afterwards.

use std::time::Duration;

use mcp_core::{
    BoxError,
    store::{Append, Audience, Listener, LogKey, WakeUp},
};
use tokio::time::timeout;

use super::{
    event_support::{ALL, payloads},
    topic_support::{Held, Subscription, hears, listen, nth, post, tell_everyone},
};
use crate::{
    Case, CaseResult, Harness,
    outage::{must_fail, must_recover},
    topic::Topics,
};

/// Longer than a call's deadline, a probe and a pause between attempts, on a busy machine.
const BOUND: Duration = Duration::from_secs(15);

async fn publish(process: &dyn Topics, log: &LogKey) -> Result<(), BoxError> {
    must_recover(|| process.notifier().publish(&Audience::Everyone, log)).await
}

/// Whether `log` is named, or may have been.
async fn is_named(listener: &mut Box<dyn Listener>, log: &LogKey) -> Result<bool, BoxError> {
    let heard = async {
        loop {
            match listener.next().await {
                Some(WakeUp::Look(named)) if named != *log => {}
                heard => return heard,
            }
        }
    };
    match timeout(BOUND, heard).await? {
        Some(heard) => Ok(heard != WakeUp::MayHaveLost),
        None => Err("the listener ended".into()),
    }
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
        must_recover(|| there.events().append(&log, keyed())).await?;
        publish(&there, &log).await?;
        assert_eq!(subscription.next_patiently().await?, [text]);
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
        // So it goes until the listener is told for certain: nothing is lost without a word.
        for number in 1000 * (n + 1).. {
            publish(&there, &nth(number)).await?;
            if is_named(&mut listener, &nth(number)).await? {
                break;
            }
        }
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
        let publish = process.notifier().publish(&Audience::Everyone, &log);
        must_fail("publish", publish).await?;
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
