//! Wake-ups, and subscriptions built on them.

use mcp_core::store::{Audience, InstanceId, LogKey, WakeUp};

use crate::{Case, CaseResult, Harness, topic::Topics};

pub async fn bp_09_a_process_hears_its_own_wake_ups<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    let notifier = process.notifier();
    let mut listener = notifier.listen(&InstanceId::new("one")).await?;
    let log = LogKey::Broadcast(3);
    notifier.publish(&Audience::Everyone, &log).await?;
    loop {
        // A fresh listener may say first that it may have missed something.
        match listener.next().await.ok_or("the listener ended")? {
            WakeUp::MayHaveLost => {}
            WakeUp::Look(named) if named == log => return Ok(()),
            WakeUp::Look(other) => return Err(format!("a wake-up of {other:?}").into()),
        }
    }
}
