//! What holds for every trait, for wake-ups.

use mcp_core::store::{Audience, InstanceId, LogKey, WakeUp};

use super::{
    event_support::on_one_thread,
    topic_support::{Held, Subscription, hears, listen, nth, post, tell_everyone},
};
use crate::{Case, CaseResult, Harness, drop_after_polls, topic::Topics};

pub async fn bp_21_what_is_dropped_ends<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let before = Held::now()?;
    for _ in 0..5 {
        let (here, there) = (case.open().await?, case.open().await?);
        let mut waits = listen(here.notifier(), "a").await?;
        let log = LogKey::Broadcast(0);
        let mut subscription = Subscription::armed(&here, std::slice::from_ref(&log)).await?;
        post(&there, &log, &["x"]).await?;
        assert_eq!(subscription.take(1).await?, ["x"]);
        drop_after_polls(waits.next(), 1).await;
    }
    // Other cases may run in this process, and open files, too.
    Held::falls_to(before.tasks, before.files + 200).await
}

pub async fn x_06_a_publish_given_up_leaves_a_working_notifier<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let mut listener = listen(here.notifier(), "a").await?;
    for polls in 0.. {
        let given_up = nth(polls);
        let publish = there.notifier().publish(&Audience::Everyone, &given_up);
        let done = drop_after_polls(publish, polls).await.transpose()?;
        tell_everyone(there.notifier(), &LogKey::Config).await?;
        let heard = hears(&mut listener, &LogKey::Config).await?;
        if done.is_some() {
            if !heard.contains(&given_up) {
                hears(&mut listener, &given_up).await?;
            }
            break;
        }
    }
    Ok(())
}

pub async fn x_06_a_listen_given_up_leaves_nothing_behind<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let instance = InstanceId::new("a");
    drop(listen(here.notifier(), "a").await?);
    let before = Held::now()?;
    for polls in 0.. {
        let mut done = None;
        for _ in 0..20 {
            done = drop_after_polls(here.notifier().listen(&instance), polls).await;
        }
        let done = done.transpose()?.is_some();
        let mut listener = listen(here.notifier(), "a").await?;
        tell_everyone(there.notifier(), &nth(polls)).await?;
        hears(&mut listener, &nth(polls)).await?;
        if done {
            break;
        }
    }
    Held::falls_to(before.tasks + 10, before.files + 200).await
}

pub async fn x_07_a_wait_given_up_loses_nothing<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let mut listener = listen(here.notifier(), "a").await?;
    for polls in 0.. {
        // Nothing is there yet; and then what is there is not taken.
        drop_after_polls(listener.next(), 1).await;
        tell_everyone(there.notifier(), &nth(polls)).await?;
        match drop_after_polls(listener.next(), polls).await {
            None => drop(hears(&mut listener, &nth(polls)).await?),
            Some(None) => return Err("the listener ended".into()),
            Some(Some(WakeUp::Look(log))) => {
                assert_eq!(log, nth(polls));
                break;
            }
            Some(Some(_)) => {}
        }
    }
    Ok(())
}

pub async fn x_08_wake_ups_work_on_a_runtime_of_one_thread<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let calls = async {
        let (here, there) = (case.open().await?, case.open().await?);
        let mut listener = listen(here.notifier(), "a").await?;
        for n in 0..20 {
            tell_everyone(there.notifier(), &nth(n)).await?;
            hears(&mut listener, &nth(n)).await?;
        }
        Ok(())
    };
    on_one_thread(calls)
}
