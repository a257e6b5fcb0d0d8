//! Stores of sessions that break a rule.

mod limits;
mod outage;
mod read;
mod twist;
mod used;
mod write;

use std::{sync::Arc, time::Duration};

use mcp_core::{clock::Clock, store::MemorySessionStore};
use mcp_testkit::Damage;

use crate::{
    broken::{OnePlace, Stopped},
    mutants,
    support::Memory,
};
use limits::*;
use outage::*;
use read::*;
use twist::{made, troubled, twisted};
use used::*;
use write::*;

mutants! { session_store, in_memory(),
    ss_04_another_process_loads_every_field => in_memory();
    ss_06_no_update_of_another_process_is_lost => in_memory();
    ss_08_a_delete_in_another_process_is_final => in_memory();
    ss_02_only_one_create_wins => twisted(CreateReplaces);
    ss_03_a_deleted_id_stays_taken => made(without_tombstones);
    ss_04_another_handle_loads_every_field => twisted(ForgetsSubscriptions);
    ss_05_a_stale_version_conflicts => twisted(AnyVersionWill);
    ss_06_no_concurrent_update_is_lost => twisted(AnyVersionWill);
    ss_07_an_update_never_makes_a_session => twisted(UpdateCreates);
    ss_08_delete_wins_over_a_late_update => twist::with(without_tombstones, UpdateCreates);
    ss_08_nothing_that_races_a_delete_brings_the_session_back => made(without_tombstones);
    ss_10_a_second_delete_answers_false => twisted(DeleteIsAlwaysTrue);
    ss_11_delete_leaves_a_tombstone_only => twisted(CountsForEver::default());
    ss_11_deleted_sessions_leave_tombstones_and_then_nothing => troubled(KeepsEverything).counted();
    ss_19_expired_sessions_are_swept_away_whole => troubled(KeepsEverything).counted();
    ss_13_an_expired_session_is_not_loaded => made(on_a_stopped_clock);
    ss_15_touch_starts_the_idle_time_again => twisted(TouchOnlyLooks);
    ss_15_touch_does_not_lengthen_the_absolute_time => twisted(TouchBeginsANewLife);
    ss_16_neither_load_nor_update_changes_the_life_time => twisted(LoadTouches);
    ss_16_an_update_may_give_another_idle_time => twisted(UpdateIgnoresTheTtl);
    ss_16_an_update_may_give_another_absolute_time => twisted(UpdateIgnoresTheAbsoluteTime);
    ss_17_id_owner_and_creation_never_change => twisted(TakesAnyRecord);
    ss_18_what_has_expired_is_invisible_before_it_is_swept => twisted(ListsTheDead::default());
    ss_19_a_sweep_is_bounded_and_spares_the_living => twisted(SweepsAll);
    ss_19_sweeps_may_run_everywhere_at_once => twisted(SweepsTheLiving);
    ss_21_a_record_comes_back_with_exactly_its_owner => twisted(ForgetsTheIssuer);
    ss_23_odd_ids_do_not_collide => twisted(FoldsIds);
    ss_23_odd_owners_do_not_collide => twisted(JoinsOwners);
    ss_24_namespaces_share_nothing => OnePlace::new(MemorySessionStore::with_clock);
    ss_25_the_cap_of_a_principal_is_never_exceeded => twisted(CountsBeforeItCreates);
    ss_25_a_refused_create_stores_nothing => twisted(StoresWhatItRefuses);
    ss_26_a_record_from_the_future_is_unsupported => troubled(|t| ReadsDamage(t, Some(Damage::FromTheFuture)));
    ss_27_a_damaged_record_is_corrupt => troubled(|t| ReadsDamage(t, Some(Damage::Garbage)));
    ss_27_what_cannot_be_read_is_left_out_of_lists => troubled(ListsAllOrNothing);
    ss_28_values_come_back_byte_for_byte => twisted(Reformats);
    ss_29_list_pages_in_the_order_of_ids => twisted(ListsInReverse);
    x_01_no_call_answers_without_its_backend => troubled(FindsNothingWhenDown);
    x_02_calls_succeed_when_the_backend_is_back => troubled(NeverRecovers::new);
    x_03_what_may_have_been_applied_is_unknown => troubled(SaysItWasNotApplied);
    x_06_a_dropped_create_is_whole_or_not_at_all => twisted(CreatesInTwoSteps);
    x_06_a_dropped_update_is_whole_or_not_at_all => twisted(UpdatesInTwoSteps);
    x_06_a_dropped_delete_is_done_or_not => twisted(DeletesInTwoSteps::default());
    x_08_one_thread_is_enough => twisted(BlocksItsThread);
    x_09_a_thousand_calls_at_once => twisted(RefusesACrowd::default());
    x_10_errors_show_no_session => twisted(NamesTheSession);
    x_15_any_history_is_that_of_the_model => twisted(TouchesTheFirst);
}

/// No fault, and nothing that another process could find.
fn in_memory() -> Memory<MemorySessionStore> {
    Memory::new(MemorySessionStore::with_clock)
}

fn without_tombstones(clock: Arc<dyn Clock>) -> MemorySessionStore {
    MemorySessionStore::with_clock(clock).tombstones_for(Duration::ZERO)
}

fn on_a_stopped_clock(_: Arc<dyn Clock>) -> MemorySessionStore {
    MemorySessionStore::with_clock(Arc::new(Stopped))
}

/// What the mutants of outages and damage do right when they are not broken.
mod unbroken {
    use mcp_testkit::{Capability, Claims, session_store};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_can_be_damaged_and_taken_away_passes() {
        let harness = troubled(|troubles| ReadsDamage(troubles, None));
        let claims = Claims::new();
        let claims = claims.with(Capability::Outage).with(Capability::Damage);
        let claims = claims.without(Capability::Processes, "it is in memory");
        let claims = claims.without(Capability::Scan, "it is in memory");
        session_store::run_all(&harness, &claims)
            .await
            .assert_passed();
    }
}
