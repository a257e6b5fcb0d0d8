//! Wake-ups in memory: what is folded, bounded and counted.

use mcp_core::store::{Audience, InstanceId, Listener, LogKey, MemoryNotifier, Notifier, WakeUp};

fn log(n: u8) -> LogKey {
    LogKey::Broadcast(n)
}

async fn listen(notifier: &MemoryNotifier, name: &str) -> Box<dyn Listener> {
    notifier.listen(&InstanceId::new(name)).await.unwrap()
}

async fn tell(notifier: &MemoryNotifier, n: u8) {
    notifier
        .publish(&Audience::Everyone, &log(n))
        .await
        .unwrap();
}

async fn hear(listener: &mut Box<dyn Listener>) -> Option<WakeUp> {
    listener.next().await
}

/// What a listener has heard and not yet taken, found by closing the notifier.
async fn rest(notifier: MemoryNotifier, mut listener: Box<dyn Listener>) -> Vec<WakeUp> {
    drop(notifier);
    let mut heard = Vec::new();
    while let Some(next) = listener.next().await {
        heard.push(next);
    }
    heard
}

/// BP-02
#[tokio::test]
async fn the_same_log_is_named_once_until_it_is_heard() {
    let notifier = MemoryNotifier::new();
    let mut listener = listen(&notifier, "a").await;
    for n in [1, 2, 1, 1, 3, 2] {
        tell(&notifier, n).await;
    }
    assert_eq!(hear(&mut listener).await, Some(WakeUp::Look(log(1))));
    tell(&notifier, 1).await;
    let look = |n| WakeUp::Look(log(n));
    assert_eq!(rest(notifier, listener).await, [look(2), look(3), look(1)]);
}

/// BP-06
#[tokio::test]
async fn a_slow_listener_is_told_once_that_it_may_have_lost_some() {
    let notifier = MemoryNotifier::new().buffer(4);
    let slow = listen(&notifier, "slow").await;
    let mut quick = listen(&notifier, "quick").await;
    for n in 0..100 {
        tell(&notifier, n).await;
        assert_eq!(hear(&mut quick).await, Some(WakeUp::Look(log(n))));
    }
    assert_eq!(rest(notifier, slow).await, [WakeUp::MayHaveLost]);
}

/// BP-06
#[tokio::test]
async fn after_a_loss_it_goes_on() {
    let notifier = MemoryNotifier::new().buffer(1);
    let mut listener = listen(&notifier, "a").await;
    tell(&notifier, 1).await;
    tell(&notifier, 2).await;
    assert_eq!(hear(&mut listener).await, Some(WakeUp::MayHaveLost));
    tell(&notifier, 3).await;
    assert_eq!(hear(&mut listener).await, Some(WakeUp::Look(log(3))));
}

/// BP-07
#[tokio::test]
async fn a_dropped_listener_leaves_nothing_behind() {
    let notifier = MemoryNotifier::new();
    for _ in 0..10_000 {
        drop(listen(&notifier, "a").await);
    }
    assert_eq!(notifier.listeners(), 0);
    let kept = listen(&notifier, "a").await;
    assert_eq!(notifier.listeners(), 1);
    drop(kept);
}
