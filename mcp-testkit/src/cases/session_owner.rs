//! Whose sessions they are, and what keeps them apart.

use std::collections::BTreeSet;

use mcp_core::{
    BoxError,
    store::{Caps, Created, Principal, SessionChange, SessionId, SessionStore},
};

use crate::{
    Case, CaseResult, Harness, race,
    session::{TTL, alice, create, ids, load, record, record_of},
};

pub async fn ss_21_a_record_comes_back_with_exactly_its_owner<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let owners = [
        None,
        Some(alice()),
        Some(Principal::new("https://other", "alice")),
        Some(Principal::new("", "")),
    ];
    for (number, owner) in owners.iter().enumerate() {
        let mut owned = record(&number.to_string())?;
        owned.principal.clone_from(owner);
        create(&store, &owned).await?;
    }
    for (number, owner) in owners.iter().enumerate() {
        let found = load(&other, &number.to_string()).await?;
        let found = found.ok_or("the session is missing")?;
        assert_eq!(&found.record.principal, owner);
    }
    Ok(())
}

pub async fn ss_23_odd_ids_do_not_collide<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let odd = [
        "", ":", "::", "a:b", "a", "b", "A", "{a}", "{a", "%", "%61", "*", "?", "a\n", "a\r", "a ",
        "a\0", "a\0b", "a'b", "a\"b", "a\\", "é", "e\u{301}", "🦀",
    ];
    for id in odd {
        let mut own = record(id)?;
        own.subscriptions.insert(format!("of {id:?}"));
        create(&store, &own).await?;
    }
    let expected: BTreeSet<_> = odd.into_iter().map(str::to_owned).collect();
    assert_eq!(ids(&store).await?, Vec::from_iter(expected));
    for id in odd {
        let found = load(&store, id).await?.ok_or("a session is missing")?;
        assert!(found.record.subscriptions.contains(&format!("of {id:?}")));
    }
    for id in odd {
        assert!(store.delete(&SessionId::new(id)).await?, "{id:?}");
    }
    Ok(())
}

pub async fn ss_23_odd_owners_do_not_collide<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let cap = Caps::none().per_principal(1);
    let odd = [
        ("a:", "b"),
        ("a", ":b"),
        ("", "a:b"),
        ("a:b", ""),
        ("a", "b"),
        ("A", "b"),
        ("a\0", "b"),
        ("a", "\0b"),
        ("{a}", "b"),
        ("a%3A", "b"),
        ("a\n", "b"),
        ("a", "\nb"),
        ("é", "b"),
        ("e\u{301}", "b"),
        ("*", "b"),
        ("1:a", "b"),
    ];
    for (number, (issuer, subject)) in odd.into_iter().enumerate() {
        let owner = Principal::new(issuer, subject);
        let first = record_of(&format!("first {number}"), &owner)?;
        let created = store.create(&first, TTL, &cap).await?;
        assert!(
            matches!(created, Created::Created(_)),
            "{owner:?} is counted with another"
        );
        let second = record_of(&format!("second {number}"), &owner)?;
        let refused = store.create(&second, TTL, &cap).await?;
        assert_eq!(refused, Created::LimitExceeded, "{owner:?}");
    }
    Ok(())
}

pub async fn ss_24_namespaces_share_nothing<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (here, there) = (case.open().await?, case.open_neighbour().await?);
    let (id, cap) = (SessionId::new("s"), Caps::none().per_principal(1));
    let mine = record_of("s", &alice())?;
    create(&here, &mine).await?;
    let held = load(&here, "s").await?.ok_or("the session is missing")?;
    assert!(load(&there, "s").await?.is_none(), "loaded");
    assert!(ids(&there).await?.is_empty(), "listed");
    assert!(!there.delete(&id).await?, "deleted");
    assert_eq!(
        there.touch(std::slice::from_ref(&id)).await?,
        [None],
        "touched"
    );
    let change = SessionChange::to(mine.clone());
    assert_eq!(
        there.update(&id, held.version, &change).await?,
        None,
        "updated"
    );
    // The same owner and the same id have their own place there.
    let created = there.create(&mine, TTL, &cap).await?;
    assert!(matches!(created, Created::Created(_)), "{created:?}");
    assert!(there.delete(&id).await?);
    while there.sweep(100).await? > 0 {}
    assert!(load(&here, "s").await?.is_some(), "removed from elsewhere");
    Ok(())
}

pub async fn ss_25_the_cap_of_a_principal_is_never_exceeded<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(16).await?;
    for round in 0..case.rounds() {
        let owner = Principal::new("https://issuer", format!("alice {round}"));
        let answers = race(handles.clone(), |worker, store| {
            let record = record_of(&format!("{round} {worker:02}"), &owner);
            let cap = Caps::none().per_principal(5);
            async move { Ok(store.create(&record?, TTL, &cap).await?) }
        });
        let answers: Vec<Created> = answers.await.into_iter().collect::<Result<_, BoxError>>()?;
        let refused = answers
            .iter()
            .filter(|answer| **answer == Created::LimitExceeded);
        assert_eq!(refused.count(), 11, "{answers:?}");
        let all = ids(&*handles[1]).await?;
        let own = all.iter().filter(|id| id.starts_with(&format!("{round} ")));
        assert_eq!(own.count(), 5, "round {round}");
    }
    Ok(())
}

pub async fn ss_25_a_refused_create_stores_nothing<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let none = Caps::none().per_principal(0);
    let one = Caps::none().per_principal(1);
    let (a, b) = (record_of("a", &alice())?, record_of("b", &alice())?);
    assert_eq!(store.create(&a, TTL, &none).await?, Created::LimitExceeded);
    assert!(load(&store, "a").await?.is_none());
    assert!(matches!(
        store.create(&a, TTL, &one).await?,
        Created::Created(_)
    ));
    assert_eq!(store.create(&b, TTL, &one).await?, Created::LimitExceeded);
    // Neither is a place used up by an id that was taken.
    let two = Caps::none().per_principal(2);
    assert_eq!(store.create(&a, TTL, &two).await?, Created::Exists);
    assert!(matches!(
        store.create(&b, TTL, &two).await?,
        Created::Created(_)
    ));
    let anonymous = store.create(&record("c")?, TTL, &none).await?;
    assert!(matches!(anonymous, Created::Created(_)), "{anonymous:?}");
    assert_eq!(ids(&store).await?, ["a", "b", "c"]);
    Ok(())
}
