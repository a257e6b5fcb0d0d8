//! Leases.

use std::time::Duration;

use mcp_core::store::{Fence, LeaseStore};

use crate::{Case, CaseResult, Harness};

const TTL: Duration = Duration::from_mins(10);

pub async fn ls_01_every_holder_gets_a_greater_fence<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: LeaseStore>,
{
    let store = case.open().await?;
    let mut last = Fence(0);
    for round in 0..6 {
        let fence = store.hold("n", "h", TTL, b"").await?;
        let fence = fence.ok_or("a free name cannot be held")?;
        assert!(fence > last, "{fence:?} after {last:?}");
        assert_eq!(store.hold("n", "h", TTL, b"").await?, None);
        last = fence;
        if round % 2 == 0 {
            assert!(store.release("n", fence).await?);
        } else {
            case.advance(TTL).await?;
        }
    }
    Ok(())
}
