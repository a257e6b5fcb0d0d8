//! Leases while the backend is away.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{join, join_all};
use mcp_core::{BoxError, store::LeaseStore};
use tokio::task::yield_now;

use super::lease::{TTL, hold};
use crate::{
    Case, CaseResult, Harness,
    outage::{BEFORE, MOST, may_be, must_fail, must_recover},
};

pub async fn x_01_no_lease_call_answers_without_its_backend<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let fence = hold(&store, "n", "h").await?;
    case.sever().await?;
    must_fail("list", store.list("")).await?;
    must_fail("hold", store.hold("n", "h", TTL, b"")).await?;
    must_fail("renew", store.renew("n", fence, TTL, b"")).await?;
    must_fail("release", store.release("n", fence)).await?;
    case.restore().await
}

pub async fn x_02_lease_calls_succeed_when_the_backend_is_back<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let fence = hold(&store, "n", "h").await?;
    for _ in 0..3 {
        case.sever().await?;
        must_fail("list", store.list("")).await?;
        case.restore().await?;
        for store in [&store, &other] {
            let renewed = must_recover(|| store.renew("n", fence, TTL, b"")).await?;
            assert!(renewed, "the lease is gone");
        }
    }
    Ok(())
}

pub async fn x_03_a_hold_that_may_have_been_applied_is_unknown<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let done = AtomicUsize::new(0);
    let write = async |writer: usize| {
        let mut answers = Vec::new();
        for number in 0..MOST {
            let name = format!("{writer} {number}.");
            let answer = store.hold(&name, "h", TTL, b"").await;
            let failed = answer.is_err();
            answers.push((name, answer));
            done.fetch_add(1, Ordering::SeqCst);
            if failed {
                break;
            }
            yield_now().await;
        }
        answers
    };
    let cut = async {
        while done.load(Ordering::SeqCst) < BEFORE {
            yield_now().await;
        }
        case.sever().await
    };
    let (answers, severed) = join(join_all((0..4).map(write)), cut).await;
    severed?;
    case.restore().await?;
    for (name, answer) in answers.into_iter().flatten() {
        let held = must_recover(|| store.list(&name)).await?;
        assert!(
            may_be(&answer, !held.is_empty()),
            "{answer:?}, and there is {held:?}"
        );
    }
    Ok::<_, BoxError>(())
}
