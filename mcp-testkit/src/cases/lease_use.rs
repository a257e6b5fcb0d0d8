//! Leases: dropped calls, many calls, and any history.

use std::{panic, sync::Arc, thread};

use mcp_core::{
    BoxError,
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    store::{Fence, LeaseStore, MAX_FACTS, MemoryLeaseStore, StoreError},
};
use tokio::runtime;

use super::lease::{TTL, hold};
use crate::{
    Case, CaseResult, Harness, dice::Dice, drop_after_polls, race, session::MINUTE,
    shown::everything,
};

/// No call has more suspension points than this.
const MOST_POLLS: usize = 500;

/// How many calls a made-up history has.
const CALLS: usize = 400;

pub async fn x_06_a_dropped_hold_holds_or_not<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for polls in 0..MOST_POLLS {
        let name = format!("n{polls}");
        let held = drop_after_polls(store.hold(&name, "h", TTL, b"facts"), polls).await;
        let leases = other.list(&name).await?;
        for lease in leases.iter().filter(|lease| lease.name == name) {
            assert_eq!(
                (lease.holder.as_str(), &lease.facts[..]),
                ("h", &b"facts"[..])
            );
        }
        // Whatever it left ends when its time is over, and the handle can go on.
        case.advance(TTL).await?;
        let fence = hold(&store, &name, "next").await?;
        if let Some(answer) = held {
            let earlier = answer?.ok_or("a free name cannot be held")?;
            assert!(fence > earlier && !leases.is_empty());
            return Ok(());
        }
    }
    Err("`hold` never ended".into())
}

pub async fn x_06_a_dropped_renew_or_release_is_done_or_not<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let (store, other) = (case.open().await?, case.open().await?);
    for polls in 0..MOST_POLLS {
        let fence = hold(&store, "n", "h").await?;
        let renewed = drop_after_polls(store.renew("n", fence, TTL, b"facts"), polls).await;
        let leases = other.list("n").await?;
        assert_eq!(leases.len(), 1, "the lease is gone after {polls} polls");
        let (lease, is_done) = (&leases[0], leases[0].facts == "facts");
        assert_eq!((lease.holder.as_str(), lease.fence), ("h", fence));
        assert!(is_done || lease.facts.is_empty(), "{:?}", lease.facts);
        let released = drop_after_polls(store.release("n", fence), polls).await;
        let is_free = other.list("n").await?.is_empty();
        // Releasing again is harmless.
        store.release("n", fence).await?;
        if let (Some(renewed), Some(released)) = (renewed, released) {
            assert!(renewed? && is_done && released? && is_free);
            return Ok(());
        }
    }
    Err("`renew` or `release` never ended".into())
}

pub async fn x_08_one_thread_is_enough_for_leases<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let on_one_thread = || -> CaseResult {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let store = case.open().await?;
            let fence = hold(&store, "n", "h").await?;
            assert!(store.renew("n", fence, TTL, b"").await?);
            assert_eq!(store.list("n").await?.len(), 1);
            assert!(store.release("n", fence).await?);
            Ok(())
        })
    };
    let ended = thread::scope(|scope| scope.spawn(on_one_thread).join());
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

pub async fn x_09_a_thousand_leases_at_once<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let handles = case.crowd(1000).await?;
    let answers = race(handles, |worker, store| async move {
        let name = format!("n{worker}");
        let Some(fence) = store.hold(&name, "h", TTL, b"").await? else {
            return Ok::<_, StoreError>(false);
        };
        store.renew(&name, fence, TTL, b"").await
    });
    for answer in answers.await {
        assert!(answer?, "a name was not held");
    }
    Ok(())
}

pub async fn x_10_lease_errors_show_no_facts<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let store = case.open().await?;
    let facts = "classified".repeat(MAX_FACTS);
    let error = store.hold("n", "h", TTL, facts.as_bytes()).await.err();
    let error = error.ok_or("there is no error")?;
    let shown = everything(&error);
    assert!(!shown.contains("classified"), "{shown}");
    Ok(())
}

/// A call about a lease.
#[derive(Debug)]
enum Call {
    Hold(String, u64, u32),
    Renew(String, usize, u32, u64),
    Release(String, usize),
    List(&'static str),
}

impl Call {
    fn any(dice: &mut Dice) -> Result<Self, BoxError> {
        let name = format!("{}/{}", ["i", "j"][dice.below(2)], dice.throw(2));
        let minutes = u32::try_from(1 + dice.throw(15))?;
        Ok(match dice.throw(10) {
            0..=3 => Self::Hold(name, dice.throw(3), minutes),
            4 | 5 => Self::Renew(name, dice.below(3), minutes, dice.throw(9)),
            6 | 7 => Self::Release(name, dice.below(3)),
            _ => Self::List(["", "i/", "j/1"][dice.below(3)]),
        })
    }

    /// Makes the call. Stores number fences as they like, so calls name the nth last one.
    async fn make(
        &self,
        store: &impl LeaseStore,
        fences: &mut Vec<Fence>,
    ) -> Result<String, BoxError> {
        let nth_last = |back: &usize| fences.iter().rev().nth(*back).copied();
        let unknown = Fence(0);
        Ok(match self {
            Self::Hold(name, holder, minutes) => {
                let holder = holder.to_string();
                let held = store.hold(name, &holder, MINUTE * *minutes, b"").await?;
                fences.extend(held);
                format!("{}", held.is_some())
            }
            Self::Renew(name, back, minutes, facts) => {
                let fence = nth_last(back).unwrap_or(unknown);
                let facts = facts.to_string();
                let ttl = MINUTE * *minutes;
                format!("{}", store.renew(name, fence, ttl, facts.as_bytes()).await?)
            }
            Self::Release(name, back) => {
                let fence = nth_last(back).unwrap_or(unknown);
                format!("{}", store.release(name, fence).await?)
            }
            Self::List(prefix) => {
                let leases = store.list(prefix).await?;
                let shown = leases
                    .iter()
                    .map(|lease| (&lease.name, &lease.holder, &lease.facts));
                format!("{:?}", shown.collect::<Vec<_>>())
            }
        })
    }
}

pub async fn x_15_any_history_of_leases_is_that_of_the_model<H: Harness<Store: LeaseStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let stores = [case.open().await?, case.open().await?, case.open().await?];
    let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
    let model = MemoryLeaseStore::with_clock(Arc::new(clock.clone()));
    let seed = SystemClock::default().now().as_millis();
    let mut dice = Dice::new(seed);
    let (mut fences, mut model_fences, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        if dice.throw(5) == 0 {
            let by = MINUTE * u32::try_from(1 + dice.throw(9))?;
            clock.advance(by);
            case.advance(by).await?;
            history.push(format!("{by:?} pass"));
        }
        let call = Call::any(&mut dice)?;
        let store = dice.below(3);
        let expected = call.make(&model, &mut model_fences).await?;
        let answer = call.make(&stores[store], &mut fences).await?;
        history.push(format!("{store}: {call:?} -> {answer}"));
        let last = &history[history.len().saturating_sub(12)..];
        assert_eq!(
            answer,
            expected,
            "seed {seed}, at the end of\n{}",
            last.join("\n")
        );
    }
    Ok(())
}
