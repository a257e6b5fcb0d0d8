//! Wake-ups.

use std::sync::Arc;

use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, Listener, LogKey, StoreErrorKind, WakeUp},
};

use super::{
    event_isolate::odd_names,
    topic_support::{Held, hears, hears_or_may_have_lost, listen, next, nth, tell, tell_everyone},
};
use crate::{Case, CaseResult, Harness, race, topic::Topics};

pub async fn bp_01_a_listener_hears_what_is_published_right_after<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let (here, there) = (here.notifier(), there.notifier());
    for n in 0..case.rounds() * 50 {
        let mut listener = listen(here, "a").await?;
        if n % 2 == 0 {
            tell_everyone(there, &nth(n)).await?;
        } else {
            tell(there, "a", &nth(n)).await?;
        }
        hears(&mut listener, &nth(n)).await?;
    }
    Ok(())
}

pub async fn bp_01_a_wake_up_for_one_instance_is_for_that_one<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let (here, there) = (here.notifier(), there.notifier());
    // The first 63 bytes are the same.
    let long = "i".repeat(63);
    let names = [
        "a",
        "b",
        "a*",
        "A",
        &format!("{long}1"),
        &format!("{long}2"),
    ];
    let mut listeners = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let notifier = if n % 2 == 0 { here } else { there };
        listeners.push(listen(notifier, name).await?);
    }
    for (n, name) in names.into_iter().enumerate() {
        tell(here, name, &nth(n)).await?;
        assert_eq!(hears(&mut listeners[n], &nth(n)).await?, [], "{name}");
    }
    // Had another heard one of these, it would have been before this.
    tell_everyone(here, &LogKey::Config).await?;
    for listener in &mut listeners {
        assert_eq!(hears(listener, &LogKey::Config).await?, []);
    }
    Ok(())
}

pub async fn bp_03_every_listener_hears_every_log<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let (here, there) = (here.notifier(), there.notifier());
    let mut listeners = Vec::new();
    for (n, notifier) in [here, here, there].into_iter().enumerate() {
        listeners.push(listen(notifier, &n.to_string()).await?);
    }
    let logs = [
        LogKey::Broadcast(0),
        LogKey::Broadcast(7),
        LogKey::Config,
        LogKey::Inbox(InstanceId::new("0")),
        nth(0),
        nth(1),
    ];
    for log in &logs {
        tell_everyone(there, log).await?;
    }
    for listener in &mut listeners {
        let mut missing = logs.to_vec();
        while !missing.is_empty() {
            if let WakeUp::Look(log) = next(listener).await? {
                assert!(logs.contains(&log), "nobody named {log:?}");
                missing.retain(|other| *other != log);
            }
        }
    }
    Ok(())
}

pub async fn bp_06_a_slow_listener_holds_nobody_back<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    const MANY: usize = 2000;
    let (here, there) = (case.open().await?, case.open().await?);
    let (here, there) = (here.notifier(), there.notifier());
    let mut slow = listen(here, "slow").await?;
    let mut quick = listen(here, "quick").await?;
    for n in 0..MANY {
        tell_everyone(there, &nth(n)).await?;
        if n % 10 == 0 {
            hears_or_may_have_lost(&mut quick, &nth(n)).await?;
        }
    }
    tell_everyone(there, &LogKey::Broadcast(0)).await?;
    hears(&mut quick, &LogKey::Broadcast(0)).await?;
    // Either it names them all, or it says that it may have lost some.
    let mut missing = MANY;
    while missing > 0 {
        match next(&mut slow).await? {
            WakeUp::Look(_) => missing -= 1,
            WakeUp::MayHaveLost => missing = 0,
        }
    }
    // And then it goes on.
    tell_everyone(there, &LogKey::Config).await?;
    hears(&mut slow, &LogKey::Config).await.map(drop)
}

pub async fn bp_07_dropped_listeners_leave_nothing_behind<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    const MANY: usize = 10_000;
    let process = case.open().await?;
    let notifier = process.notifier();
    let mut kept = listen(notifier, "kept").await?;
    let before = Held::now()?;
    for n in 0..MANY {
        drop(listen(notifier, "a").await?);
        if n % 1000 == 0 {
            tell_everyone(notifier, &nth(n)).await?;
            hears(&mut kept, &nth(n)).await?;
        }
    }
    // Other cases may run in this process, and open files, too.
    Held::falls_to(before.tasks + 10, before.files + 200).await?;
    tell_everyone(notifier, &LogKey::Config).await?;
    hears(&mut kept, &LogKey::Config).await.map(drop)
}

/// What a worker of the next case does.
enum Role<S> {
    Drops(Box<dyn Listener>),
    Listens(Arc<S>),
}

pub async fn bp_08_a_new_listener_hears_while_the_last_one_goes<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (Arc::new(case.open().await?), case.open().await?);
    let mut last = listen(here.notifier(), "a").await?;
    for round in 0..case.rounds() * 10 {
        let roles = vec![Role::Drops(last), Role::Listens(Arc::clone(&here))];
        let ended = race(roles, |_, role| async move {
            match role {
                Role::Drops(listener) => drop(listener),
                Role::Listens(process) => return Ok(Some(listen(process.notifier(), "a").await?)),
            }
            Ok::<_, BoxError>(None)
        });
        let ended: Result<Vec<_>, _> = ended.await.into_iter().collect();
        let new = ended?.into_iter().flatten().next();
        last = new.ok_or("there is no new listener")?;
        tell(there.notifier(), "a", &nth(round)).await?;
        hears(&mut last, &nth(round)).await?;
    }
    Ok(())
}

pub async fn bp_09_a_process_hears_its_own_wake_ups<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let process = case.open().await?;
    let notifier = process.notifier();
    let mut listener = listen(notifier, "a").await?;
    for n in 0..20 {
        let audience = match n % 2 {
            0 => Audience::Everyone,
            _ => Audience::Instance(InstanceId::new("a")),
        };
        notifier.publish(&audience, &nth(n)).await?;
        hears(&mut listener, &nth(n)).await?;
    }
    Ok(())
}

pub async fn bp_10_a_long_name_is_heard_or_too_large<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let mut listener = listen(here.notifier(), "a").await?;
    for length in [4096, 7999, 8000, 8001, 70_000] {
        let log = LogKey::Inbox(InstanceId::new("n".repeat(length)));
        let told = there.notifier().publish(&Audience::Everyone, &log).await;
        match told {
            Ok(()) => drop(hears_or_may_have_lost(&mut listener, &log).await?),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::TooLarge, "{length}"),
        }
        // The connection is as good as before.
        tell_everyone(there.notifier(), &nth(length)).await?;
        hears(&mut listener, &nth(length)).await?;
    }
    Ok(())
}

pub async fn bp_11_no_log_is_mistaken_for_another<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (here, there) = (case.open().await?, case.open().await?);
    let mut listener = listen(here.notifier(), "a").await?;
    let mut told = Vec::new();
    for log in odd_names() {
        tell_everyone(there.notifier(), &log).await?;
        let others = hears_or_may_have_lost(&mut listener, &log).await?;
        let known = others.iter().all(|other| told.contains(other));
        assert!(known, "{others:?} are named for {log:?}");
        told.push(log);
    }
    Ok(())
}

pub async fn bp_12_namespaces_do_not_hear_each_other<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    let (mine, theirs) = (case.open().await?, case.open_neighbour().await?);
    let (mine, theirs) = (mine.notifier(), theirs.notifier());
    let mut my_listener = listen(mine, "a").await?;
    let mut their_listener = listen(theirs, "a").await?;
    for n in 0..20 {
        tell_everyone(theirs, &nth(n)).await?;
        tell(theirs, "a", &nth(n)).await?;
        hears(&mut their_listener, &nth(n)).await?;
        // What they heard I would have heard by now, or before this.
        tell_everyone(mine, &LogKey::Config).await?;
        assert_eq!(hears(&mut my_listener, &LogKey::Config).await?, []);
    }
    Ok(())
}

pub async fn bp_19_many_listeners_share_their_connections<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: Topics>,
{
    const MANY: usize = 400;
    let (here, there) = (case.open().await?, case.open().await?);
    let (here, there) = (here.notifier(), there.notifier());
    let mut listeners = vec![listen(here, "0").await?];
    let before = Held::now()?;
    for n in 1..MANY {
        listeners.push(listen(here, &n.to_string()).await?);
    }
    // Other cases may run in this process, and open files, too.
    let now = Held::now()?;
    assert!(
        now.files < before.files + MANY / 2,
        "{now:?} after {before:?}"
    );
    tell_everyone(there, &LogKey::Config).await?;
    for listener in &mut listeners {
        hears(listener, &LogKey::Config).await?;
    }
    Ok(())
}
