//! Whether what a backend says about its capabilities is true.

use std::time::Duration;

use mcp_core::store::SessionId;

use crate::{Capability, Case, CaseResult, Claims, Damage, Harness, NoDamage, NoOutage, NoScan};

/// Every capability is named once, and what is disclaimed is really not there.
///
/// What is claimed and not there fails in its own cases.
pub(crate) async fn check<H: Harness>(
    case: &Case<'_, H>,
    claims: &Claims,
    known: &[Capability],
) -> CaseResult {
    claims.check_complete(known)?;
    case.advance(Duration::ZERO).await?;
    for capability in known {
        if claims.reason(*capability).is_some() && is_there(case, *capability).await {
            return Err(format!("`{capability}` is disclaimed, and the harness has it").into());
        }
    }
    Ok(())
}

async fn is_there<H: Harness>(case: &Case<'_, H>, capability: Capability) -> bool {
    match capability {
        Capability::Outage => {
            let severed = case.sever().await;
            severed.map_or_else(|error| !error.is::<NoOutage>(), |()| true)
        }
        // Only its own cases can tell.
        Capability::Processes => false,
        Capability::Scan => {
            let held = case.held().await;
            held.map_or_else(|error| !error.is::<NoScan>(), |_| true)
        }
        Capability::Damage => {
            let damaged = case.damage(&SessionId::new("none"), Damage::Garbage).await;
            damaged.map_or_else(|error| !error.is::<NoDamage>(), |()| true)
        }
    }
}
