//! Sessions that another process uses, too.

use mcp_core::store::{SessionChange, SessionId, SessionStore, Version};

use super::session::{increment, of_every_field};
use crate::{
    Case, CaseResult, Harness,
    peer::Orders,
    session::{create, load, raw, record, text},
};

/// What the other process does.
pub async fn peer<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
    mut orders: Orders,
) -> CaseResult {
    let store = case.open().await?;
    while let Some(order) = orders.next().await? {
        let answer = match order.as_str() {
            "load" => match load(&store, "s").await? {
                Some(found) => text(&found.record)?,
                None => "nothing".to_owned(),
            },
            "increment" => {
                for _ in 0..case.rounds() {
                    increment(&store).await?;
                }
                "done".to_owned()
            }
            _ => store.delete(&SessionId::new("s")).await?.to_string(),
        };
        orders.answer(&answer)?;
    }
    Ok(())
}

pub async fn ss_04_another_process_loads_every_field<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, mut other) = (case.open().await?, case.peer()?);
    assert_eq!(other.ask("load").await?, "nothing");
    let written = of_every_field("s")?;
    create(&store, &written).await?;
    assert_eq!(other.ask("load").await?, text(&written)?);
    Ok(())
}

pub async fn ss_06_no_update_of_another_process_is_lost<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, mut other) = (case.open().await?, case.peer()?);
    let mut start = record("s")?;
    start.data.insert("n".to_owned(), raw("0")?);
    create(&store, &start).await?;
    other.tell("increment").await?;
    for _ in 0..case.rounds() {
        increment(&store).await?;
    }
    assert_eq!(other.hear().await?, "done");
    let found = load(&store, "s").await?.ok_or("the session is gone")?;
    assert_eq!(
        found.record.data["n"].get(),
        (2 * case.rounds()).to_string()
    );
    Ok(())
}

pub async fn ss_08_a_delete_in_another_process_is_final<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, mut other) = (case.open().await?, case.peer()?);
    let version = create(&store, &record("s")?).await?;
    assert_eq!(other.ask("delete").await?, "true");
    let id = SessionId::new("s");
    let late = SessionChange::to(record("s")?);
    for version in [version, Version(version.0 + 1)] {
        assert_eq!(store.update(&id, version, &late).await?, None);
    }
    assert_eq!(store.touch(std::slice::from_ref(&id)).await?, [None]);
    assert!(load(&store, "s").await?.is_none());
    assert!(!store.delete(&id).await?);
    Ok(())
}
