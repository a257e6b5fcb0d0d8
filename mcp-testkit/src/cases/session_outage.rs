//! Sessions while the backend is away.

use std::{
    slice::from_ref,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::future::{join, join_all};
use mcp_core::store::{Caps, SessionChange, SessionId, SessionStore, Version};
use tokio::task::yield_now;

use crate::{
    Case, CaseResult, Harness,
    outage::{BEFORE, MOST, may_be, must_fail, must_recover},
    session::{TTL, create, load, record},
};

pub async fn x_01_no_call_answers_without_its_backend<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    create(&store, &record("s")?).await?;
    case.sever().await?;
    let (id, new) = (SessionId::new("s"), record("new")?);
    let change = SessionChange::to(record("s")?);
    must_fail("load", store.load(&id)).await?;
    must_fail("create", store.create(&new, TTL, &Caps::none())).await?;
    must_fail("update", store.update(&id, Version(1), &change)).await?;
    must_fail("touch", store.touch(from_ref(&id))).await?;
    must_fail("delete", store.delete(&id)).await?;
    must_fail("list", store.list(None, 10)).await?;
    case.restore().await
}

pub async fn x_02_calls_succeed_when_the_backend_is_back<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    let version = create(&store, &record("s")?).await?;
    for _ in 0..3 {
        case.sever().await?;
        must_fail("load", store.load(&SessionId::new("s"))).await?;
        case.restore().await?;
        for store in [&store, &other] {
            let found = must_recover(|| load(store, "s")).await?;
            let found = found.ok_or("the session is gone")?;
            assert_eq!(found.version, version);
        }
    }
    Ok(())
}

pub async fn x_03_what_may_have_been_applied_is_unknown<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let done = AtomicUsize::new(0);
    let write = async |writer: usize| {
        let mut answers = Vec::new();
        for number in 0..MOST {
            let record = record(&format!("{writer} {number}"))?;
            let answer = store.create(&record, TTL, &Caps::none()).await;
            let failed = answer.is_err();
            answers.push((record.id, answer));
            done.fetch_add(1, Ordering::SeqCst);
            if failed {
                break;
            }
            yield_now().await;
        }
        Ok::<_, mcp_core::BoxError>(answers)
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
    for (id, answer) in answers
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
    {
        let found = must_recover(|| store.load(&id)).await?.is_some();
        assert!(
            may_be(&answer, found),
            "{answer:?}, and there is one: {found}"
        );
    }
    Ok(())
}
