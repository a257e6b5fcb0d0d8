//! What another process publishes.

use mcp_core::store::LogKey;

use super::topic_support::{Subscription, hears, listen, nth, post, tell};
use crate::{Case, CaseResult, Harness, peer::Orders, topic::Topics};

/// What the other process does: it posts to the log whose number it is told, or wakes `a`.
pub async fn peer<H>(case: &Case<'_, H>, mut orders: Orders) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    while let Some(order) = orders.next().await? {
        match order.split_once(' ') {
            Some(("post", number)) => post(&process, &nth(number.parse()?), &[number]).await?,
            Some((_, number)) => tell(process.notifier(), "a", &nth(number.parse()?)).await?,
            None => return Err(format!("no such order: {order}").into()),
        }
    }
    Ok(())
}

pub async fn bp_01_what_another_process_posts_at_once_is_handed_out<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, mut other) = (case.open().await?, case.peer()?);
    for n in 0..case.rounds() * 10 {
        let log: LogKey = nth(n);
        let mut subscription = Subscription::armed(&here, std::slice::from_ref(&log)).await?;
        other.tell(&format!("post {n}")).await?;
        assert_eq!(subscription.take(1).await?, [n.to_string()]);
    }
    Ok(())
}

pub async fn bp_01_a_listener_hears_another_process_at_once<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, mut other) = (case.open().await?, case.peer()?);
    for n in 0..case.rounds() * 10 {
        let mut listener = listen(here.notifier(), "a").await?;
        other.tell(&format!("wake {n}")).await?;
        hears(&mut listener, &nth(n)).await?;
    }
    Ok(())
}
