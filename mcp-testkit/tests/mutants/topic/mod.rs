//! Wake-ups and subscriptions that break a rule.

mod listeners;
mod publishes;
mod twist;

use mcp_core::store::{MemoryEventStore, MemoryNotifier};

use crate::{
    broken::OnePlace,
    event::{
        CutsPayloads, EachSeesItsOwn, GapsAreSkipped, HeadsAreAhead, HeadsAreOld, NeverComesBack,
        ReadsAreTaken, RepeatsTheLast, VanishedLogsStay,
    },
    mutants,
    support::Memory,
};
use listeners::*;
use publishes::*;
use twist::{troubled, troubled_log, twisted, twisted_log};

mutants! { topic, in_memory(),
    bp_01_what_another_process_posts_at_once_is_handed_out => in_memory();
    bp_01_a_listener_hears_another_process_at_once => in_memory();
    bp_01_a_listener_hears_what_is_published_right_after => twisted(ArmsLate);
    bp_01_a_wake_up_for_one_instance_is_for_that_one => twisted(TellsEveryone);
    bp_01_what_comes_after_arming_is_handed_out => twisted_log(HeadsAreAhead);
    bp_02_all_subscribers_see_the_order_of_publishing => twisted_log(EachSeesItsOwn::new());
    bp_03_each_subscriber_gets_each_event_once => twisted_log(RepeatsTheLast);
    bp_03_every_listener_hears_every_log => twisted(TellsOne);
    bp_04_a_wake_up_or_a_possible_loss_is_heard => troubled(DeafAfterwards);
    bp_04_an_event_is_delivered_after_an_outage => troubled_log(NeverComesBack);
    bp_05_a_log_that_vanishes_is_one_gap => twisted_log(VanishedLogsStay::default());
    bp_05_a_loss_is_one_gap_before_later_events => twisted_log(GapsAreSkipped);
    bp_06_a_slow_listener_holds_nobody_back => twisted(NeverSaysThatItLost);
    bp_06_a_slow_subscriber_gets_a_gap_and_what_is_kept => twisted_log(GapsAreSkipped);
    bp_07_dropped_listeners_leave_nothing_behind => twisted(LeavesATask);
    bp_08_a_new_listener_hears_while_the_last_one_goes => twisted(TheLastClosesTheDoor::default());
    bp_09_a_process_hears_its_own_wake_ups => twisted(NoEcho::default());
    bp_09_own_events_come_once => twisted_log(RepeatsTheLast);
    bp_10_a_long_name_is_heard_or_too_large => twisted(CutsNames);
    bp_10_large_events_come_whole => twisted_log(CutsPayloads);
    bp_11_no_log_is_mistaken_for_another => twisted(CutsNames);
    bp_12_namespaces_do_not_hear_each_other => OnePlace::new(|clock| (MemoryEventStore::with_clock(clock), MemoryNotifier::new()));
    bp_16_a_poll_needs_no_wake_up => twisted_log(HeadsAreOld::default());
    bp_19_many_listeners_share_their_connections => twisted(OpensAFile);
    bp_20_publishing_fails_in_time_while_the_backend_is_away => troubled(SaysItToNobody);
    bp_21_what_is_dropped_ends => twisted(LeavesATask);
    bp_21_what_is_dropped_ends_while_the_backend_is_away => twisted(LeavesATask);
    x_06_a_listen_given_up_leaves_nothing_behind => twisted(LeavesATask);
    x_06_a_publish_given_up_leaves_a_working_notifier => twisted(LeavesALock::default());
    x_07_a_poll_given_up_loses_and_repeats_nothing => twisted_log(ReadsAreTaken::default());
    x_07_a_wait_given_up_loses_nothing => twisted(TakesTooEarly);
    x_08_wake_ups_work_on_a_runtime_of_one_thread => twisted(Blocks);
}

/// No fault, and nothing that another process could find.
fn in_memory() -> Memory<(MemoryEventStore, MemoryNotifier)> {
    Memory::new(|clock| (MemoryEventStore::with_clock(clock), MemoryNotifier::new()))
}
