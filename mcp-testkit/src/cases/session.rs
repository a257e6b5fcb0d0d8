//! Sessions: creating, changing and reading them.

use mcp_core::{
    BoxError,
    store::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore,
        StoreErrorKind, Version,
    },
};
use tokio::task::yield_now;

use crate::{
    Case, CaseResult, Harness, race,
    session::{DAY, MINUTE, TTL, alice, create, ids, load, raw, record, record_of, text},
};

pub async fn ss_02_only_one_create_wins<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(8).await?;
    for round in 0..case.rounds() {
        let id = format!("s{round}");
        let mut records = Vec::new();
        for worker in 0..8 {
            let mut record = record(&id)?;
            record.subscriptions.insert(format!("by {worker}"));
            records.push(record);
        }
        let given = records.clone();
        let answers = race(handles.clone(), |worker, store| {
            let record = given[worker].clone();
            async move { store.create(&record, TTL, &Caps::none()).await }
        });
        let answers: Vec<_> = answers.await.into_iter().collect::<Result<_, _>>()?;
        let is_winner = |answer: &Created| matches!(answer, Created::Created(_));
        let winner = answers.iter().position(is_winner);
        let winner = winner.ok_or("no create succeeded")?;
        let losers = answers.iter().filter(|answer| **answer == Created::Exists);
        assert_eq!(losers.count(), 7, "{answers:?}");
        let found = load(&*handles[0], &id).await?.ok_or("the winner is gone")?;
        assert_eq!(text(&found.record)?, text(&records[winner])?);
    }
    Ok(())
}

pub async fn ss_03_a_deleted_id_stays_taken<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    create(&store, &record("s")?).await?;
    assert!(store.delete(&SessionId::new("s")).await?);
    for age in [MINUTE, MINUTE * 9] {
        case.advance(age).await?;
        let again = other.create(&record("s")?, TTL, &Caps::none()).await?;
        assert_eq!(again, Created::Exists, "{age:?} later");
    }
    case.advance(DAY).await?;
    create(&other, &record("s")?).await?;
    Ok(())
}

/// A record in which nothing is empty.
pub(super) fn of_every_field(id: &str) -> Result<SessionRecord, BoxError> {
    let mut record = record_of(id, &alice())?;
    record.initialized = true;
    record.subscriptions.insert("file:///a".to_owned());
    record.data.insert("k".to_owned(), raw("[1, 2]")?);
    Ok(record)
}

pub async fn ss_04_another_handle_loads_every_field<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let written = of_every_field("s")?;
    let version = create(&store, &written).await?;
    let found = load(&other, "s").await?.ok_or("the other sees nothing")?;
    assert_eq!(text(&found.record)?, text(&written)?);
    assert_eq!(found.version, version);
    let own = load(&store, "s").await?.ok_or("the first sees nothing")?;
    assert_eq!(found.created_at, own.created_at);
    Ok(())
}

pub async fn ss_05_a_stale_version_conflicts<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let first = create(&store, &record("s")?).await?;
    let mut changed = record("s")?;
    changed.initialized = true;
    let (id, change) = (SessionId::new("s"), SessionChange::to(changed));
    let second = Version(first.0 + 1);
    assert_eq!(store.update(&id, first, &change).await?, Some(second));
    let late = SessionChange::to(record("s")?);
    for stale in [Version(0), first, Version(second.0 + 1)] {
        let answer = store.update(&id, stale, &late).await;
        let kind = answer.map_err(|error| error.kind());
        assert_eq!(kind, Err(StoreErrorKind::Conflict), "{stale:?}");
    }
    let found = load(&store, "s").await?.ok_or("the session is gone")?;
    assert!(found.record.initialized, "a refused update was written");
    assert_eq!(found.version, second);
    Ok(())
}

/// Counts one further in the session `s`, as often as it takes.
/// Counts `n` of the session `s` up.
pub(super) async fn increment(store: &impl SessionStore) -> CaseResult {
    loop {
        let mut found = load(store, "s").await?.ok_or("the session is gone")?;
        let count: u64 = serde_json::from_str(found.record.data["n"].get())?;
        let next = raw(&(count + 1).to_string())?;
        found.record.data.insert("n".to_owned(), next);
        let change = SessionChange::to(found.record);
        match store
            .update(&SessionId::new("s"), found.version, &change)
            .await
        {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == StoreErrorKind::Conflict => yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

pub async fn ss_06_no_concurrent_update_is_lost<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (handles, rounds) = (case.crowd(8).await?, case.rounds());
    let mut start = record("s")?;
    start.data.insert("n".to_owned(), raw("0")?);
    let first = create(&*handles[0], &start).await?;
    let done = race(handles.clone(), |_, store| async move {
        for _ in 0..rounds {
            increment(&*store).await?;
        }
        Ok(())
    });
    done.await.into_iter().collect::<CaseResult>()?;
    let found = load(&*handles[0], "s")
        .await?
        .ok_or("the session is gone")?;
    let updates = 8 * u64::try_from(rounds)?;
    assert_eq!(found.record.data["n"].get(), updates.to_string());
    assert_eq!(found.version, Version(first.0 + updates));
    Ok(())
}

pub async fn ss_07_an_update_never_makes_a_session<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    create(&store, &record("expired")?).await?;
    case.advance(TTL.idle).await?;
    create(&store, &record("deleted")?).await?;
    store.delete(&SessionId::new("deleted")).await?;
    for name in ["missing", "expired", "deleted"] {
        let change = SessionChange::to(record(name)?).with_ttl(TTL);
        let answer = store
            .update(&SessionId::new(name), Version(1), &change)
            .await?;
        assert_eq!(answer, None, "{name}");
        assert!(load(&store, name).await?.is_none(), "{name}");
    }
    Ok(())
}

pub async fn ss_10_a_second_delete_answers_false<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    create(&store, &record("s")?).await?;
    assert!(store.delete(&SessionId::new("s")).await?);
    assert!(!store.delete(&SessionId::new("s")).await?);
    assert!(!other.delete(&SessionId::new("s")).await?);
    assert!(!store.delete(&SessionId::new("never")).await?);
    Ok(())
}

pub async fn ss_17_id_owner_and_creation_never_change<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let version = create(&store, &record_of("s", &alice())?).await?;
    case.advance(MINUTE).await?;
    let created_at = load(&store, "s").await?.map(|found| found.created_at);
    let mallory = Principal::new("https://issuer", "mallory");
    let (id, other_id) = (SessionId::new("s"), record_of("t", &alice())?);
    for wrong in [record_of("s", &mallory)?, record("s")?, other_id] {
        let answer = store.update(&id, version, &SessionChange::to(wrong)).await;
        let kind = answer.map_err(|error| error.kind());
        assert_eq!(kind, Err(StoreErrorKind::InvalidArgument));
    }
    let change = SessionChange::to(record_of("s", &alice())?).with_ttl(TTL);
    assert!(store.update(&id, version, &change).await?.is_some());
    let found = load(&store, "s").await?.ok_or("the session is gone")?;
    assert_eq!(Some(found.created_at), created_at);
    assert_eq!(found.record.principal, Some(alice()));
    Ok(())
}

pub async fn ss_28_values_come_back_byte_for_byte<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let odd = [
        "{}",
        "[]",
        "18446744073709551615",
        "-9223372036854775808",
        "1.0",
        "1e400",
        "0.1",
        r#""\ud800""#,
        r#""\u0000""#,
        "\"🦀\"",
        "{ \"a\" : 1 }",
        &long,
        &deep,
    ];
    let mut written = record("s")?;
    for (number, value) in odd.iter().enumerate() {
        written.data.insert(number.to_string(), raw(value)?);
    }
    let version = create(&store, &written).await?;
    let created = load(&store, "s").await?.ok_or("the session is gone")?;
    assert!(text(&created.record)? == text(&written)?, "after `create`");
    written.data.insert("more".to_owned(), raw("[ ]")?);
    let (id, change) = (
        SessionId::new("s"),
        SessionChange::to(written.clone()).with_ttl(TTL),
    );
    store.update(&id, version, &change).await?;
    store.touch(&[id]).await?;
    let updated = load(&store, "s").await?.ok_or("the session is gone")?;
    assert!(text(&updated.record)? == text(&written)?, "after `update`");
    Ok(())
}

pub async fn ss_29_list_pages_in_the_order_of_ids<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let mut expected: Vec<_> = (0..23).map(|n| format!("s{n}")).collect();
    expected.extend(["S".to_owned(), "é".to_owned(), "~".to_owned()]);
    for id in &expected {
        create(&store, &record(id)?).await?;
    }
    let mut seen = Vec::new();
    let mut after = None;
    while let page = store.list(after.as_ref(), 7).await?
        && let Some(last) = page.last()
    {
        assert!(page.len() <= 7, "a page of {}", page.len());
        after = Some(last.record.id.clone());
        seen.extend(page.iter().map(|found| found.record.id.to_string()));
        // What comes and goes in between moves nothing else.
        create(&store, &record(&format!("0{}", seen.len()))?).await?;
    }
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert!(ids(&store).await?.is_sorted());
    Ok(())
}
