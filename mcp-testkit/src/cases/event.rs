//! Logs: appending and reading.

use bytes::Bytes;
use mcp_core::store::{Append, EventStore, LogKey, Retention};

use crate::{Case, CaseResult, Harness};

const KEEP: Retention = Retention {
    events: 100,
    bytes: 1 << 20,
    age: None,
};

pub async fn el_01_positions_count_from_one<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let store = case.open().await?;
    let events = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let log = LogKey::Broadcast(0);
    let first = store.append(&log, Append::new(&events, KEEP)).await?;
    assert_eq!(first.last.seq, 2);
    let second = store.append(&log, Append::new(&events, KEEP)).await?;
    assert_eq!(second.last.seq, 4);
    assert_eq!(second.last.epoch, first.last.epoch);
    Ok(())
}
