//! Leases that another process wants, too.

use mcp_core::store::{Fence, LeaseStore};

use crate::{Case, CaseResult, Harness, peer::Orders, session::MINUTE};

/// What the other process does: it holds the name, or releases it.
pub async fn peer<H>(case: &Case<'_, H>, mut orders: Orders) -> CaseResult
where
    H: Harness<Store: LeaseStore>,
{
    let store = case.open().await?;
    let mut held = None;
    while let Some(order) = orders.next().await? {
        let answer = match (order.as_str(), held) {
            ("hold", _) => {
                held = store.hold("n", "there", MINUTE, b"").await?;
                held.map_or(0, |fence| fence.0).to_string()
            }
            (_, Some(fence)) => store.release("n", fence).await?.to_string(),
            (_, None) => "nothing".to_owned(),
        };
        orders.answer(&answer)?;
    }
    Ok(())
}

pub async fn ls_01_of_two_processes_one_holds<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: LeaseStore>,
{
    let (store, mut other) = (case.open().await?, case.peer()?);
    let mut last = Fence(0);
    for _ in 0..case.rounds() {
        other.tell("hold").await?;
        let own = store.hold("n", "here", MINUTE, b"").await?;
        let theirs: u64 = other.hear().await?.parse()?;
        let fence = match (own, theirs) {
            (Some(fence), 0) => {
                assert!(store.release("n", fence).await?);
                fence
            }
            (None, theirs) if theirs > 0 => {
                assert_eq!(other.ask("release").await?, "true");
                Fence(theirs)
            }
            both => return Err(format!("of two one must hold, not {both:?}").into()),
        };
        assert!(fence > last, "{fence:?} after {last:?}");
        last = fence;
    }
    Ok(())
}
