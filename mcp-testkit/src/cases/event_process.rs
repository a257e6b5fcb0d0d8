//! Logs that another process writes and reads, too.

use mcp_core::store::{EventStore, From, LogKey, Position, Read};

use super::event_support::{all_texts, append, attach, numbers, positions, read, read_as, stream};
use crate::{Case, CaseResult, Harness, peer::Orders};

fn log() -> LogKey {
    stream("s", "get")
}

/// What the other process does.
pub async fn peer<H>(case: &Case<'_, H>, mut orders: Orders) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, log) = (case.open().await?, log());
    while let Some(order) = orders.next().await? {
        let answer = match order.as_str() {
            "append" => {
                for n in 0..case.rounds() {
                    append(&store, &log, &[&format!("there {n}")]).await?;
                }
                "done".to_owned()
            }
            "read" => {
                let attached = attach(&store, &log, 2, From::Acknowledged).await?;
                let read = read_as(&store, &log, attached.after, attached.generation, 3);
                let read = positions(read.await?)?;
                // Of three that it was given it has handed on two.
                read_as(&store, &log, read[1], attached.generation, 1).await?;
                attached.generation.0.to_string()
            }
            other => return Err(format!("no such order: {other}").into()),
        };
        orders.answer(&answer)?;
    }
    Ok(())
}

pub async fn el_02_writers_of_two_processes_get_distinct_positions<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, mut other, log) = (case.open().await?, case.peer()?, log());
    other.tell("append").await?;
    for n in 0..case.rounds() {
        append(&store, &log, &[&format!("here {n}")]).await?;
    }
    assert_eq!(other.hear().await?, "done");
    let written = numbers(read(&store, &log, Position::BEGINNING).await?)?;
    assert!(written.into_iter().eq(1..=2 * case.rounds() as u64));
    let texts = all_texts(&store, &log).await?;
    for writer in ["here", "there"] {
        let own = texts.iter().filter(|text| text.starts_with(writer));
        let in_order = (0..case.rounds()).map(|n| format!("{writer} {n}"));
        assert!(own.cloned().eq(in_order), "{texts:?}");
    }
    Ok(())
}

pub async fn el_04_what_a_killed_process_appended_is_read<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, mut other) = (case.open().await?, case.peer()?);
    assert_eq!(other.ask("append").await?, "done");
    other.kill().await?;
    assert_eq!(all_texts(&store, &log()).await?.len(), case.rounds());
    Ok(())
}

pub async fn el_26_a_reader_of_another_process_supersedes<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, mut other, log) = (case.open().await?, case.peer()?, log());
    append(&store, &log, &["a", "b", "c"]).await?;
    let own = attach(&store, &log, 1, From::Acknowledged).await?;
    let theirs: u64 = other.ask("read").await?.parse()?;
    assert!(theirs > own.generation.0, "{theirs} after {own:?}");
    let late = read_as(&store, &log, own.after, own.generation, 9).await?;
    assert_eq!(late, Read::Superseded);
    Ok(())
}

pub async fn el_27_what_a_killed_process_acknowledged_is_remembered<H>(
    case: &Case<'_, H>,
) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let (store, mut other, log) = (case.open().await?, case.peer()?, log());
    append(&store, &log, &["a", "b", "c", "d"]).await?;
    other.ask("read").await?;
    other.kill().await?;
    let next = attach(&store, &log, 3, From::Acknowledged).await?;
    assert_eq!(next.after.seq, 2);
    Ok(())
}
