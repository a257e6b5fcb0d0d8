//! The suite of [`SessionStore`](mcp_core::store::SessionStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __session_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        session_store $crate::__private::SessionStore, [outage damage processes scan]

        always session {
            ss_02_only_one_create_wins: "SS-02"
                "of many concurrent creates of an id exactly one succeeds, and its record stands";
            ss_03_a_deleted_id_stays_taken: "SS-03"
                "the id of a deleted session stays taken for the tombstone time, and is free afterwards";
            ss_04_another_handle_loads_every_field: "SS-04"
                "what was written through one handle is read through another, every field byte for byte";
            ss_05_a_stale_version_conflicts: "SS-05"
                "an update with the current version grows it by one; with another it is a `Conflict` and changes nothing";
            ss_06_no_concurrent_update_is_lost: "SS-06"
                "no update is lost among concurrent ones";
            ss_07_an_update_never_makes_a_session: "SS-07"
                "an update of a missing, expired or deleted session is `None` and makes none";
            ss_10_a_second_delete_answers_false: "SS-10"
                "a second delete answers `false`";
            ss_17_id_owner_and_creation_never_change: "SS-17"
                "id, owner and creation time never change; an attempt is `InvalidArgument`";
            ss_28_values_come_back_byte_for_byte: "SS-28"
                "application data comes back byte for byte through every call";
            ss_29_list_pages_in_the_order_of_ids: "SS-29"
                "`list` pages through the sessions in the order of the bytes of their ids, each once";
        }

        always session_delete {
            ss_08_delete_wins_over_a_late_update: "SS-08"
                "after `delete` returned, a late update or touch does not bring the session back";
            ss_08_nothing_that_races_a_delete_brings_the_session_back: "SS-08"
                "nothing that raced a delete makes `load` answer `Some` after it";
            ss_11_delete_leaves_a_tombstone_only: "SS-11"
                "`delete` removes the record and every index of it; only the tombstone stays";
            ss_19_a_sweep_is_bounded_and_spares_the_living: "SS-19"
                "`sweep` frees at most as many as it was told, goes on where it left off, and never takes a live session";
            ss_19_sweeps_may_run_everywhere_at_once: "SS-19"
                "sweeps may run everywhere at once, and never take a session that was just touched";
        }

        always session_life {
            ss_13_an_expired_session_is_not_loaded: "SS-13"
                "a session is there until its time is over and not after, by the backend's clock";
            ss_15_touch_starts_the_idle_time_again: "SS-15"
                "`touch` starts the idle time again, and says which sessions live, in the order asked";
            ss_15_touch_does_not_lengthen_the_absolute_time: "SS-15"
                "`touch` never lengthens a life past its absolute time";
            ss_16_neither_load_nor_update_changes_the_life_time: "SS-16"
                "neither `load`, `list` nor a plain `update` changes how long a session lives";
            ss_16_an_update_may_give_another_idle_time: "SS-16"
                "an update may give another idle time, counted from now";
            ss_16_an_update_may_give_another_absolute_time: "SS-16"
                "an update may give another absolute time, counted from the creation";
            ss_18_what_has_expired_is_invisible_before_it_is_swept: "SS-18"
                "what has expired is invisible to every call and every count before it is swept";
        }

        always session_owner {
            ss_21_a_record_comes_back_with_exactly_its_owner: "SS-21, SS-22"
                "the owner, or that there is none, comes back as it was given: issuer and subject";
            ss_23_odd_ids_do_not_collide: "SS-23"
                "no two ids collide, whatever characters they have";
            ss_23_odd_owners_do_not_collide: "SS-23"
                "no two owners collide, whatever characters they have";
            ss_24_namespaces_share_nothing: "SS-24, X-13"
                "namespaces share nothing, also when the name of one begins with that of the other";
            ss_25_the_cap_of_a_principal_is_never_exceeded: "SS-25"
                "the cap of a principal is never exceeded, and used up to the last place";
            ss_25_a_refused_create_stores_nothing: "SS-25"
                "a create refused by the cap stores nothing, and nobody counts anonymous sessions";
        }

        always session_use {
            x_06_a_dropped_create_is_whole_or_not_at_all: "X-06"
                "a dropped `create` leaves the record as a whole or not at all, and the handle usable";
            x_06_a_dropped_update_is_whole_or_not_at_all: "X-06"
                "a dropped `update` leaves the record before or after, and the handle usable";
            x_06_a_dropped_delete_is_done_or_not: "X-06"
                "a dropped `delete` leaves the session there or gone, and the handle usable";
            x_08_one_thread_is_enough: "X-08"
                "no call blocks the thread it runs on, and a runtime of one thread is enough";
            x_09_a_thousand_calls_at_once: "X-09"
                "handles can be used from many tasks at once";
            x_10_errors_show_no_session: "X-10"
                "neither errors nor `Debug` show payloads or whole session ids";
        }

        always session_model {
            x_15_any_history_is_that_of_the_model: "X-15"
                "any sequence of calls through several handles is answered as by the store in memory";
        }

        damage session_damage {
            ss_26_a_record_from_the_future_is_unsupported: "SS-26"
                "a record that this version cannot read is `Unsupported`, never unknown";
            ss_27_a_damaged_record_is_corrupt: "SS-27"
                "bytes that cannot be decoded are `Corrupt`, and concern that one session";
            ss_27_what_cannot_be_read_is_left_out_of_lists: "SS-27, SS-26"
                "a list shows every other session, page by page, and leaves out what cannot be read";
        }

        scan session_scan {
            ss_11_deleted_sessions_leave_tombstones_and_then_nothing: "SS-11"
                "a deleted session leaves at most one thing in the backend, and nothing when its tombstone has had its time";
            ss_19_expired_sessions_are_swept_away_whole: "SS-19"
                "an expired session leaves nothing in the backend, indexes included";
        }

        processes session_process {
            ss_04_another_process_loads_every_field: "SS-04"
                "what one process wrote another reads, every field byte for byte";
            ss_06_no_update_of_another_process_is_lost: "SS-06"
                "updates of two processes are all there";
            ss_08_a_delete_in_another_process_is_final: "SS-08"
                "after a delete in another process nothing finds or changes the session";
        }

        outage session_outage {
            x_01_no_call_answers_without_its_backend: "X-01"
                "while the backend is down every call fails before its deadline, and none says that something does not exist";
            x_02_calls_succeed_when_the_backend_is_back: "X-02"
                "when the backend is back, calls succeed and nothing is lost";
            x_03_what_may_have_been_applied_is_unknown: "X-03"
                "a call that failed as `Unavailable` was not applied, one that succeeded was";
        }
    } };
}

#[doc(hidden)]
pub use crate::cases::session_process::peer;

crate::__session_store_list! { functions }
