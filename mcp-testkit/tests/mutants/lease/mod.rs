//! Stores of leases that break a rule.

mod fault;
mod outage;
mod twist;

use std::sync::Arc;

use mcp_core::store::MemoryLeaseStore;

use crate::{
    broken::{OnePlace, Stopped, broken},
    mutants,
    support::Memory,
};
use fault::*;
use outage::*;
use twist::{troubled, twisted};

mutants! { lease_store, in_memory(),
    ls_01_of_two_processes_one_holds => in_memory();
    ls_01_one_of_many_holds_a_name => twisted(EveryoneHolds);
    ls_01_every_holder_gets_a_greater_fence => twisted(OneFenceForAll);
    ls_02_a_lease_that_is_not_renewed_ends => on_a_stopped_clock();
    ls_02_a_renewed_lease_goes_on => twisted(RenewHoldsAgain);
    ls_03_a_stale_holder_changes_nothing => twisted(AnyFenceWill);
    ls_03_who_released_holds_nothing => twisted(ReleaseIsAlwaysTrue);
    ls_05_odd_names_do_not_collide => twisted(FoldsNames);
    ls_05_namespaces_share_nothing => OnePlace::new(MemoryLeaseStore::with_clock);
    ls_07_list_shows_the_living_with_their_latest_facts => twisted(KeepsTheFirstFacts);
    ls_07_facts_over_the_limit_are_too_large => twisted(CutsFacts);
    x_01_no_lease_call_answers_without_its_backend => troubled(ListsNothingWhenDown);
    x_02_lease_calls_succeed_when_the_backend_is_back => troubled(NeverRecovers::new);
    x_03_a_hold_that_may_have_been_applied_is_unknown => troubled(SaysItWasNotApplied);
    x_06_a_dropped_hold_holds_or_not => twisted(HoldsInTwoSteps);
    x_06_a_dropped_renew_or_release_is_done_or_not => twisted(RenewsInTwoSteps);
    x_08_one_thread_is_enough_for_leases => twisted(BlocksItsThread);
    x_09_a_thousand_leases_at_once => twisted(RefusesACrowd::default());
    x_10_lease_errors_show_no_facts => twisted(ShowsFacts);
    x_15_any_history_of_leases_is_that_of_the_model => twisted(RenewsLonger);
}

/// No fault, and nothing that another process could find.
fn in_memory() -> Memory<MemoryLeaseStore> {
    Memory::new(MemoryLeaseStore::with_clock)
}

fn on_a_stopped_clock() -> crate::broken::Broken<MemoryLeaseStore, MemoryLeaseStore> {
    let make = |_| MemoryLeaseStore::with_clock(Arc::new(Stopped));
    broken(make, |store, _| store)
}

/// What the mutants of outages do right when they are not broken.
mod unbroken {
    use mcp_testkit::{Capability, Claims, lease_store};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_can_be_taken_away_passes() {
        let claims = Claims::new().with(Capability::Outage);
        let claims = claims.without(Capability::Processes, "it is in memory");
        let report = lease_store::run_all(&troubled(FailsWhenDown), &claims).await;
        report.assert_passed();
    }
}
