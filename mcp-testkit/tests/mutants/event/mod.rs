//! Logs that break a rule.

mod end;
mod epochs;
mod keys;
mod names;
mod outage;
mod readers;
mod reads;
mod twist;
mod writes;

use mcp_core::store::MemoryEventStore;

use self::{
    end::*,
    epochs::*,
    keys::*,
    names::*,
    outage::*,
    readers::*,
    reads::*,
    twist::{troubled, twisted},
    writes::*,
};
pub(crate) use self::{
    epochs::VanishedLogsStay,
    outage::NeverComesBack,
    reads::{
        EachSeesItsOwn, GapsAreSkipped, HeadsAreAhead, HeadsAreOld, ReadsAreTaken, RepeatsTheLast,
    },
    twist::{Twist, Twisted},
    writes::CutsPayloads,
};
use crate::{broken::OnePlace, mutants, support::Memory};

mutants! { event_store, in_memory(),
    el_02_writers_of_two_processes_get_distinct_positions => in_memory();
    el_04_what_a_killed_process_appended_is_read => in_memory();
    el_26_a_reader_of_another_process_supersedes => in_memory();
    el_27_what_a_killed_process_acknowledged_is_remembered => in_memory();
    el_01_positions_count_from_one_without_a_hole => twisted(AnswersTheFirst);
    el_02_concurrent_writers_get_distinct_positions_in_their_own_order => twisted(CountsByItself);
    el_03_nothing_appears_below_what_was_seen => twisted(ShowsTheLastFirst);
    el_04_what_was_appended_is_read_by_every_process => alone();
    el_05_a_known_key_is_not_appended_again => twisted(ForgetsKeys);
    el_05_keys_are_compared_byte_by_byte => twisted(TidiesKeys);
    el_05_of_concurrent_appends_under_one_key_one_is_added => twisted(LooksThenAppends::default());
    el_06_an_append_given_up_and_repeated_stands_once => twisted(LooksThenAppends::default());
    el_07_a_log_that_does_not_exist_is_unknown => twisted(NothingIsUnknown);
    el_07_read_gives_what_lies_strictly_after => twisted(ReadsFrom);
    el_08_a_key_is_of_one_log => twisted(OneKeyForAll::default());
    el_08_logs_do_not_mix => twisted(Renamed(without_session));
    el_08_odd_names_are_purged_apart => twisted(PurgesByPrefix::default());
    el_08_odd_names_do_not_collide => twisted(Renamed(joined));
    el_09_a_position_of_another_log_is_good_for_nothing => twisted(EpochsDoNotCount);
    el_11_a_position_below_the_floor_is_a_gap => twisted(GapsAreSkipped);
    el_12_a_position_of_another_epoch_is_a_gap => twisted(EpochsDoNotCount);
    el_13_a_position_ahead_of_the_head_is_a_gap => twisted(WaitsForWhatIsAhead);
    el_14_a_log_that_was_lost_comes_back_in_another_epoch => twisted(OneEpochForAll);
    el_14_a_sealed_log_begins_no_epoch => twisted(AnEpochBreaksTheSeal);
    el_14_a_writer_of_another_epoch_begins_an_epoch => twisted(WritersEpochDoesNotCount);
    el_14_a_writer_that_has_seen_less_continues_the_epoch => twisted(AnyOtherPositionIsALoss);
    el_14_a_writer_that_has_seen_more_begins_an_epoch => twisted(WritersKnowNothing);
    el_14_keys_end_with_their_epoch => twisted(KeysStay::default());
    el_14_the_reader_stays_when_an_epoch_begins => twisted(AnEpochEndsTheReader);
    el_15_a_page_keeps_to_both_limits => twisted(MoreIsAGuess);
    el_15_paging_sees_each_event_once => twisted(LosesEverySeventh);
    el_16_a_sweep_frees_nothing_that_is_kept => twisted(SweepsWhatItKnows::default());
    el_16_the_config_log_is_never_trimmed => twisted(Renamed(without_config));
    el_16_the_floor_never_goes_back => twisted(HalfTheFloor);
    el_16_trimming_follows_the_age => twisted(NothingAges);
    el_16_trimming_follows_the_bytes => twisted(NothingIsHeavy);
    el_16_trimming_follows_the_count => twisted(KeepsOneMore);
    el_16_who_races_a_trim_gets_the_event_or_a_gap => twisted(HidesLosses);
    el_17_what_happens_to_one_log_leaves_others => twisted(EvictsOthers::default());
    el_18_a_missing_log_is_made_and_ended => twisted(SealsOnlyWhatIsThere);
    el_18_an_append_can_end_the_log => twisted(AppendsGoOn);
    el_18_the_end_that_an_append_brings_stays => twisted(SealsAfterwards);
    el_18_nothing_follows_the_end => twisted(SealsInTwoSteps);
    el_18_one_of_many_sealers_wins => twisted(EverySealerWins);
    el_18_sealing_again_only_shortens => twisted(SealsOnce);
    el_18_the_end_shows_on_the_page_that_reaches_it => twisted(EveryPageIsTheEnd);
    el_18_the_first_seal_ends_the_log => twisted(SwallowsConflicts);
    el_18_the_last_event_stays_until_keep_is_over => twisted(KeepsTooLong);
    el_19_a_purge_leaves_nothing_of_the_session => twisted(Renamed(b_elsewhere));
    el_19_a_purged_session_takes_no_logs => twisted(ForgetsPurges::default());
    el_19_appends_that_race_a_purge_leave_nothing => twisted(ForgetsPurges::default());
    el_20_a_large_payload_is_whole_or_too_large => twisted(OneByOne);
    el_20_an_empty_batch_is_refused => twisted(NothingIsFine);
    el_20_payloads_come_back_byte_for_byte => twisted(TextOnly);
    el_19_a_purged_session_leaves_one_mark_and_then_nothing => troubled(KeepsEverything).counted();
    el_21_a_log_whose_time_is_over_is_swept_away_whole => troubled(KeepsEverything).counted();
    el_21_a_log_outlives_its_events => twisted(EmptyLogsVanish);
    el_22_readers_that_take_over_lose_and_repeat_nothing => twisted(LosesEverySeventh);
    el_23_positions_are_unique_over_all_logs => twisted(OneEpochForAll);
    el_25_a_key_lives_as_long_as_its_entry => twisted(KeysOfTheFirstForty);
    el_25_a_known_key_with_other_events_is_a_conflict => twisted(TheKeyIsEnough);
    el_25_a_repetition_begins_no_epoch => twisted(EpochBeforeKey);
    el_25_a_repetition_is_recognised_after_the_seal => twisted(SealBeforeKey);
    el_25_of_different_events_under_one_key_the_first_wins => twisted(TheKeyIsEnough);
    el_26_a_missing_log_is_not_resumed => twisted(ResumingMakesLogs);
    el_26_a_newer_reader_supersedes => twisted(NobodyIsSuperseded);
    el_26_an_append_names_the_newest_reader => twisted(NamesNobody);
    el_26_no_generation_comes_back_with_another_log => twisted(CountsInEachLog::default());
    el_26_an_append_brings_the_first_reader_and_no_other => twisted(EveryAppendAttaches);
    el_26_a_seal_names_the_newest_reader => twisted(SealsNameNobody);
    el_26_of_concurrent_readers_one_reads => twisted(NobodyIsSuperseded);
    el_27_gaps_and_reads_of_nobody_acknowledge_nothing => twisted(EveryReadAcknowledges::default());
    el_27_the_newest_reader_decides_what_is_acknowledged => twisted(NeverTakesBack::default());
    el_27_the_next_reader_begins_after_what_was_acknowledged => twisted(AcknowledgesWhatItGives);
    el_28_heads_answer_in_the_order_asked => twisted(HeadsAreSorted);
    x_01_every_call_fails_in_time_while_the_backend_is_away => troubled(NothingIsThere);
    x_02_calls_succeed_when_the_backend_is_back => troubled(NeverComesBack);
    x_06_a_purge_given_up_leaves_whole_logs_and_can_be_repeated => twisted(TrimsThenPurges::default());
    x_06_a_seal_given_up_stands_with_its_event_or_not_at_all => twisted(SealsInTwoSteps);
    x_06_an_append_given_up_stands_as_a_whole_or_not_at_all => twisted(OneByOne);
    x_06_an_attach_given_up_can_be_repeated => twisted(LeavesALock::default());
    x_07_a_read_given_up_loses_nothing => twisted(AcknowledgesWhatItGives);
    x_08_every_call_works_on_a_runtime_of_one_thread => twisted(Blocks);
    x_09_a_thousand_appends_at_once => twisted(RefusesACrowd::default());
    x_10_errors_show_neither_payloads_nor_sessions => twisted(TellsEverything);
    x_13_namespaces_do_not_share_logs => OnePlace::new(MemoryEventStore::with_clock);
    x_15_random_histories_match_the_reference => twisted(MoreIsAGuess);
}

/// No fault, and nothing that another process could find.
fn in_memory() -> Memory<MemoryEventStore> {
    Memory::new(MemoryEventStore::with_clock)
}
