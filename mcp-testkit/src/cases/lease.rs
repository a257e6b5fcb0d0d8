//! Leases.

use std::{collections::BTreeSet, time::Duration};

use mcp_core::{
    BoxError,
    store::{Fence, LeaseStore, MAX_FACTS, StoreError, StoreErrorKind},
};

use crate::{Case, CaseResult, Harness, race, session::MINUTE};

pub(super) const TTL: Duration = Duration::from_mins(10);

/// Holds a name that must be free.
pub(super) async fn hold(
    store: &impl LeaseStore,
    name: &str,
    holder: &str,
) -> Result<Fence, BoxError> {
    let held = store.hold(name, holder, TTL, b"").await?;
    held.ok_or_else(|| format!("{name:?} is free and cannot be held").into())
}

async fn names(store: &impl LeaseStore, prefix: &str) -> Result<Vec<String>, StoreError> {
    let leases = store.list(prefix).await?;
    Ok(leases.into_iter().map(|lease| lease.name).collect())
}

pub async fn ls_01_one_of_many_holds_a_name<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(8).await?;
    for round in 0..case.rounds() {
        let name = format!("n{round}");
        let answers = race(handles.clone(), |worker, store| {
            let name = name.clone();
            async move { store.hold(&name, &worker.to_string(), TTL, b"").await }
        });
        let answers: Vec<_> = answers.await.into_iter().collect::<Result<_, _>>()?;
        assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
        let leases = handles[0].list(&name).await?;
        let holder = answers.iter().position(Option::is_some).unwrap_or_default();
        let own: Vec<_> = leases.iter().filter(|lease| lease.name == name).collect();
        assert_eq!(own.len(), 1, "{leases:?}");
        assert_eq!(own[0].holder, holder.to_string());
        assert_eq!(Some(own[0].fence), answers[holder]);
    }
    Ok(())
}

pub async fn ls_01_every_holder_gets_a_greater_fence<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = [case.open().await?, case.open().await?];
    let mut last = Fence(0);
    for round in 0..8 {
        let store = &handles[round / 2 % 2];
        let fence = hold(store, "n", "h").await?;
        assert!(fence > last, "{fence:?} after {last:?}");
        assert_eq!(store.hold("n", "h", TTL, b"").await?, None);
        last = fence;
        if round % 2 == 0 {
            assert!(store.release("n", fence).await?);
        } else {
            // Long after the end nothing may be left of a name but how far its fences were.
            case.advance(TTL * 1000).await?;
        }
    }
    Ok(())
}

pub async fn ls_02_a_lease_that_is_not_renewed_ends<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let fence = hold(&store, "n", "a").await?;
    case.advance(MINUTE * 9).await?;
    assert_eq!(
        other.hold("n", "b", TTL, b"").await?,
        None,
        "ended too early"
    );
    assert_eq!(names(&other, "").await?, ["n"]);
    case.advance(MINUTE).await?;
    assert!(names(&other, "").await?.is_empty(), "listed too long");
    assert!(hold(&other, "n", "b").await? > fence);
    Ok(())
}

pub async fn ls_02_a_renewed_lease_goes_on<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let fence = hold(&store, "n", "a").await?;
    for _ in 0..3 {
        case.advance(MINUTE * 9).await?;
        assert!(store.renew("n", fence, TTL, b"").await?);
    }
    case.advance(MINUTE * 9).await?;
    assert_eq!(
        other.hold("n", "b", TTL, b"").await?,
        None,
        "ended too early"
    );
    case.advance(MINUTE).await?;
    assert!(
        !store.renew("n", fence, TTL, b"").await?,
        "renewed after the end"
    );
    assert!(!store.release("n", fence).await?, "released after the end");
    assert!(names(&other, "").await?.is_empty(), "brought back");
    assert!(!store.renew("never", fence, TTL, b"").await?);
    Ok(())
}

pub async fn ls_03_a_stale_holder_changes_nothing<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let stale = hold(&store, "n", "a").await?;
    case.advance(TTL).await?;
    let fence = hold(&other, "n", "b").await?;
    assert!(!store.release("n", stale).await?);
    assert!(!store.renew("n", stale, TTL * 9, b"stale").await?);
    let leases = store.list("n").await?;
    assert_eq!(leases.len(), 1);
    assert_eq!((leases[0].holder.as_str(), leases[0].fence), ("b", fence));
    assert!(leases[0].facts.is_empty(), "its facts were written");
    case.advance(TTL).await?;
    assert!(names(&store, "n").await?.is_empty(), "it was lengthened");
    Ok(())
}

pub async fn ls_03_who_released_holds_nothing<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let fence = hold(&store, "n", "a").await?;
    assert!(!store.release("n", Fence(fence.0 + 1)).await?);
    assert_eq!(names(&other, "").await?, ["n"]);
    assert!(store.release("n", fence).await?);
    assert!(!store.release("n", fence).await?);
    assert!(!store.renew("n", fence, TTL, b"").await?);
    assert!(names(&other, "").await?.is_empty());
    hold(&other, "n", "b").await?;
    Ok(())
}

pub async fn ls_05_odd_names_do_not_collide<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let long = "x".repeat(4096);
    let longer = format!("{long}y");
    let odd = [
        "", ":", "a", "A", "a:", "a:b", "{a}", "*", "?", "_", "%", "a%", "a\0", "a\n", "a'b", "\\",
        "é", "e\u{301}", "🦀", &long, &longer,
    ];
    for name in odd {
        hold(&store, name, name).await?;
    }
    let all = store.list("").await?;
    assert!(all.iter().all(|lease| lease.name == lease.holder));
    let listed: Vec<_> = all.iter().map(|lease| lease.name.as_str()).collect();
    assert_eq!(listed, Vec::from_iter(BTreeSet::from(odd)));
    assert_eq!(names(&store, "a:").await?, ["a:", "a:b"]);
    for glob in ["*", "?", "_", "%", "{a}", "\\"] {
        assert_eq!(names(&store, glob).await?, [glob], "as a prefix");
    }
    assert_eq!(names(&store, "a\0").await?, ["a\0"]);
    Ok(())
}

pub async fn ls_05_namespaces_share_nothing<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (here, there) = (case.open().await?, case.open_neighbour().await?);
    let fence = hold(&here, "n", "a").await?;
    assert!(names(&there, "").await?.is_empty());
    assert!(!there.renew("n", fence, TTL, b"").await?);
    assert!(!there.release("n", fence).await?);
    let theirs = hold(&there, "n", "b").await?;
    assert!(there.release("n", theirs).await?);
    assert_eq!(names(&here, "").await?, ["n"]);
    Ok(())
}

pub async fn ls_07_list_shows_the_living_with_their_latest_facts<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let a = store
        .hold("i/a", "a", TTL, b"old")
        .await?
        .ok_or("not held")?;
    store.hold("i/b", "b", TTL, b"b").await?;
    store.hold("j/c", "c", TTL * 9, b"c\0\xff").await?;
    case.advance(TTL / 2).await?;
    assert!(store.renew("i/a", a, TTL, b"new").await?);
    case.advance(TTL / 2).await?;
    let leases = other.list("i/").await?;
    assert_eq!(leases.len(), 1, "{leases:?}");
    assert_eq!((leases[0].name.as_str(), leases[0].fence), ("i/a", a));
    assert_eq!(
        (leases[0].holder.as_str(), &leases[0].facts[..]),
        ("a", &b"new"[..])
    );
    assert_eq!(names(&other, "").await?, ["i/a", "j/c"]);
    assert_eq!(&other.list("j").await?[0].facts[..], b"c\0\xff");
    Ok(())
}

pub async fn ls_07_facts_over_the_limit_are_too_large<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let (most, more) = ([1; MAX_FACTS], [1; MAX_FACTS + 1]);
    let held = store.hold("n", "h", TTL, &more).await;
    assert_eq!(
        held.map_err(|error| error.kind()),
        Err(StoreErrorKind::TooLarge)
    );
    assert!(names(&store, "").await?.is_empty(), "it was held");
    let fence = store.hold("n", "h", TTL, &most).await?.ok_or("not held")?;
    let renewed = store.renew("n", fence, TTL, &more).await;
    assert_eq!(
        renewed.map_err(|error| error.kind()),
        Err(StoreErrorKind::TooLarge)
    );
    assert_eq!(&store.list("n").await?[0].facts[..], most);
    Ok(())
}
