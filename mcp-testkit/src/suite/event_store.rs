//! The suite of [`EventStore`](mcp_core::store::EventStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __event_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        event_store $crate::__private::EventStore, [outage processes scan]

        always event_append {
            el_01_positions_count_from_one_without_a_hole: "EL-01"
                "positions count from 1 in an epoch, without a hole, whoever appends";
            el_02_concurrent_writers_get_distinct_positions_in_their_own_order: "EL-02"
                "concurrent writers get distinct positions, each its own in its own order";
            el_03_nothing_appears_below_what_was_seen: "EL-03"
                "who has seen an event has seen all before it, also while batches of all sizes are written";
            el_04_what_was_appended_is_read_by_every_process: "EL-04"
                "what an append returned is read by every process, also by one that starts afterwards";
            el_20_payloads_come_back_byte_for_byte: "EL-20"
                "payloads come back byte for byte";
            el_20_a_large_payload_is_whole_or_too_large: "EL-20"
                "a large payload comes back whole, or is `TooLarge` and nothing of its batch is stored";
            el_20_an_empty_batch_is_refused: "EL-20"
                "an empty batch is refused, and makes no log";
        }

        always event_key {
            el_05_a_known_key_is_not_appended_again: "EL-05, EL-25"
                "the same events under a known key are not added again, whichever process repeats them";
            el_05_of_concurrent_appends_under_one_key_one_is_added: "EL-05, EL-25"
                "of concurrent appends under one key one is added; all name its position";
            el_05_keys_are_compared_byte_by_byte: "EL-05"
                "keys are told apart to the last byte";
            el_06_an_append_given_up_and_repeated_stands_once: "EL-06"
                "an append that was given up at any point and is repeated under its key stands once";
            el_25_a_known_key_with_other_events_is_a_conflict: "EL-25"
                "other events under a known key are a `Conflict`, and are not stored";
            el_25_of_different_events_under_one_key_the_first_wins: "EL-25"
                "of concurrent appends of different events under one key the first wins";
            el_25_a_key_lives_as_long_as_its_entry: "EL-25"
                "a key lives at least as long as its entry, whatever comes after it";
            el_25_a_repetition_is_recognised_after_the_seal: "EL-25"
                "a key is looked at before the seal and before the epoch";
            el_25_a_repetition_begins_no_epoch: "EL-25"
                "a repeated append begins one epoch only";
        }

        always event_read {
            el_07_read_gives_what_lies_strictly_after: "EL-07"
                "`read` gives what lies strictly after a position, in order, with the positions of the append";
            el_07_a_log_that_does_not_exist_is_unknown: "EL-07"
                "a log that does not exist is `Unknown`, and reading does not make it";
            el_11_a_position_below_the_floor_is_a_gap: "EL-11"
                "a position below the floor is a `Gap` that says where to go on; so is the beginning, once something was trimmed";
            el_12_a_position_of_another_epoch_is_a_gap: "EL-12"
                "a position of another epoch is a `Gap`, whatever its number";
            el_13_a_position_ahead_of_the_head_is_a_gap: "EL-13"
                "a position ahead of the head is a `Gap`, never something to wait for";
            el_15_a_page_keeps_to_both_limits: "EL-15"
                "a page keeps to both limits but has at least one event, and says exactly whether there is more";
            el_15_paging_sees_each_event_once: "EL-15, EL-03"
                "paging sees each event once while appends go on";
            el_28_heads_answer_in_the_order_asked: "EL-28"
                "`heads` answers for many logs in one call, in the order asked, and names what is there";
        }

        always event_isolate {
            el_08_logs_do_not_mix: "EL-08"
                "equal names in two sessions, two streams of one session and logs of other kinds never mix";
            el_08_odd_names_do_not_collide: "EL-08"
                "odd names do not collide: separators, NUL, braces, wildcards, Unicode, 4 KiB";
            el_08_odd_names_are_purged_apart: "EL-08"
                "a purge of an odd name is the purge of that session only";
            el_08_a_key_is_of_one_log: "EL-08"
                "a key says nothing in another log";
            el_09_a_position_of_another_log_is_good_for_nothing: "EL-09"
                "a position of another log is of another epoch: a `Gap`, or `Unknown` where there is no log";
            el_17_what_happens_to_one_log_leaves_others: "EL-17"
                "trimming, sealing and readers of one log leave the others as they were";
            el_23_positions_are_unique_over_all_logs: "EL-23"
                "every log has positions of its own, the same for a process that starts later";
        }

        always event_epoch {
            el_14_a_writer_that_has_seen_more_begins_an_epoch: "EL-14"
                "a writer that has seen more than there is begins a new epoch, with nothing in it but its events";
            el_14_a_writer_of_another_epoch_begins_an_epoch: "EL-14"
                "a writer that has seen another epoch begins a new one, which is neither";
            el_14_a_writer_that_has_seen_less_continues_the_epoch: "EL-14"
                "a writer that has seen what is there, less of it, or nothing continues the epoch";
            el_14_a_log_that_was_lost_comes_back_in_another_epoch: "EL-14"
                "a log that was lost comes back in another epoch, with or without a writer that knew it";
            el_14_the_reader_stays_when_an_epoch_begins: "EL-14, EL-12"
                "when an epoch begins the reader stays, and learns of it by a gap";
            el_14_keys_end_with_their_epoch: "EL-14, EL-25"
                "when an epoch begins its keys are unknown: nothing of the old life answers for the new one";
            el_14_a_sealed_log_begins_no_epoch: "EL-14"
                "a sealed log begins no epoch";
        }

        always event_trim {
            el_16_trimming_follows_the_count: "EL-16"
                "at most so many events are kept, and no fewer";
            el_16_trimming_follows_the_bytes: "EL-16"
                "at most so many bytes are kept, and no fewer events than fit; one beyond it is trimmed at once";
            el_16_trimming_follows_the_age: "EL-16"
                "nothing is kept beyond its age, and nothing younger goes with it";
            el_16_the_config_log_is_never_trimmed: "EL-16"
                "the log of what is decided once is never trimmed";
            el_16_the_floor_never_goes_back: "EL-16"
                "the floor never goes back, also when more is to be kept from now on";
            el_16_who_races_a_trim_gets_the_event_or_a_gap: "EL-16"
                "a reader that races the trim gets each event, or a `Gap` where some are missing";
            el_16_a_sweep_frees_nothing_that_is_kept: "EL-16"
                "a sweep frees nothing that is still kept";
            el_21_a_log_outlives_its_events: "EL-21"
                "a log outlives its events: when all are trimmed it still knows its head, and counts on";
        }

        always event_seal {
            el_18_the_first_seal_ends_the_log: "EL-18"
                "the first `seal` ends the log: nothing is added any more, by nobody";
            el_18_the_end_shows_on_the_page_that_reaches_it: "EL-18"
                "`sealed` shows on the page that reaches the end, and on no other";
            el_18_one_of_many_sealers_wins: "EL-18"
                "of many sealers one wins, and its event is the end";
            el_18_nothing_follows_the_end: "EL-18"
                "nothing follows the end, also when appends race the seal";
            el_18_the_last_event_stays_until_keep_is_over: "EL-18"
                "the last event stays until `keep` is over, whatever the retention says; then the log is gone";
            el_18_an_append_can_end_the_log: "EL-18"
                "a log can end with an append: its batch is the end, and its key is known afterwards";
            el_18_the_end_that_an_append_brings_stays: "EL-18"
                "the last event of an append that ends the log stays, whatever the retention says";
            el_18_a_missing_log_is_made_and_ended: "EL-18"
                "a missing log is made and ended; so nobody begins it later";
            el_18_sealing_again_only_shortens: "EL-18"
                "sealing again can make `keep` shorter, and never longer";
        }

        always event_purge {
            el_19_a_purge_leaves_nothing_of_the_session: "EL-19"
                "`purge` removes every stream of the session and says how many; nothing of another is touched";
            el_19_a_purged_session_takes_no_logs: "EL-19"
                "a purged session takes no stream logs, whoever tries";
            el_19_appends_that_race_a_purge_leave_nothing: "EL-19"
                "an append that races the purge is purged too, or a `Conflict`";
        }

        always event_reader {
            el_22_readers_that_take_over_lose_and_repeat_nothing: "EL-22"
                "readers that take over from each other while events are appended lose nothing and repeat nothing that was acknowledged";
            el_26_a_newer_reader_supersedes: "EL-26"
                "a newer reader supersedes the older one, wherever it attaches";
            el_26_of_concurrent_readers_one_reads: "EL-26"
                "of concurrent `attach` the last wins: one generation reads, the others are superseded";
            el_26_an_append_names_the_newest_reader: "EL-26"
                "an append names the newest reader, so that the writer can wake it";
            el_26_an_append_brings_the_first_reader_and_no_other: "EL-26"
                "an append brings a reader to a log that nobody has read, and takes no log from a reader";
            el_26_a_seal_names_the_newest_reader: "EL-26"
                "whoever ends a log learns who reads it now, also when it wrote nothing since that reader came";
            el_26_a_missing_log_is_not_resumed: "EL-26"
                "who goes on where others left makes a missing log; who resumes does not";
            el_26_no_generation_comes_back_with_another_log: "EL-26"
                "a log that ended and is made again gives greater generations: who read the old one is superseded";
            el_27_the_next_reader_begins_after_what_was_acknowledged: "EL-27"
                "what a reader acknowledged is remembered without it; what it was only given is not";
            el_27_the_newest_reader_decides_what_is_acknowledged: "EL-27"
                "a reader that resumes earlier takes the acknowledged position back; a superseded one does not";
            el_27_gaps_and_reads_of_nobody_acknowledge_nothing: "EL-27"
                "reads without a generation acknowledge nothing, nor do positions that are not of this log";
        }

        always event_cancel {
            x_06_an_append_given_up_stands_as_a_whole_or_not_at_all: "X-06"
                "an append that is dropped at any point stands as a whole or not at all, and the store goes on";
            x_06_a_seal_given_up_stands_with_its_event_or_not_at_all: "X-06"
                "a seal that is dropped at any point leaves the log sealed with its last event, or open without it";
            x_06_a_purge_given_up_leaves_whole_logs_and_can_be_repeated: "X-06"
                "a purge that is dropped at any point leaves each log whole or gone, and can be repeated";
            x_06_an_attach_given_up_can_be_repeated: "X-06"
                "an attach that is dropped at any point took place or did not; who attaches again reads";
            x_07_a_read_given_up_loses_nothing: "X-07"
                "a read that is dropped at any point loses nothing, and acknowledges no more than it was given";
        }

        always event_cross {
            x_08_every_call_works_on_a_runtime_of_one_thread: "X-08"
                "no call blocks its thread: all work at once on a runtime of one thread";
            x_09_a_thousand_appends_at_once: "X-09"
                "a thousand appends at once all stand, each log has its own";
            x_10_errors_show_neither_payloads_nor_sessions: "X-10"
                "errors show neither payloads nor whole session ids";
            x_13_namespaces_do_not_share_logs: "X-13"
                "what happens in one namespace leaves the logs of another as they were";
        }

        always event_model {
            x_15_random_histories_match_the_reference: "X-15"
                "random histories of several processes give the answers of the reference";
        }

        scan event_scan {
            el_19_a_purged_session_leaves_one_mark_and_then_nothing: "EL-19"
                "a purged session leaves at most one thing in the backend, and nothing later";
            el_21_a_log_whose_time_is_over_is_swept_away_whole: "EL-21"
                "a log whose time is over leaves nothing in the backend";
        }

        processes event_process {
            el_02_writers_of_two_processes_get_distinct_positions: "EL-02"
                "two processes append to one log: every position once, each writer in its own order";
            el_04_what_a_killed_process_appended_is_read: "EL-04"
                "what an append returned for is there when its process is killed";
            el_26_a_reader_of_another_process_supersedes: "EL-26"
                "the reader that attached last reads, whatever process it is in";
            el_27_what_a_killed_process_acknowledged_is_remembered: "EL-27"
                "the next reader begins after what a killed one acknowledged";
        }

        outage event_outage {
            x_01_every_call_fails_in_time_while_the_backend_is_away: "X-01"
                "while the backend is away every call fails in time, as `Unavailable` or `Unknown`";
            x_02_calls_succeed_when_the_backend_is_back: "X-02, EL-06"
                "when the backend is back calls succeed, and what was tried under a key stands once";
        }
    } };
}

#[doc(hidden)]
pub use crate::cases::event_process::peer;

crate::__event_store_list! { functions }
