//! The suite of [`LeaseStore`](mcp_core::store::LeaseStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __lease_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        lease_store $crate::__private::LeaseStore, [outage processes]

        always lease {
            ls_01_one_of_many_holds_a_name: "LS-01"
                "of many concurrent holds of a name exactly one succeeds";
            ls_01_every_holder_gets_a_greater_fence: "LS-01"
                "each success carries a fence greater than every earlier one of that name";
            ls_02_a_lease_that_is_not_renewed_ends: "LS-02"
                "a lease that is not renewed ends when its time is over, by the backend's clock";
            ls_02_a_renewed_lease_goes_on: "LS-02"
                "renewing starts the time again; after the end it answers `false` and brings nothing back";
            ls_03_a_stale_holder_changes_nothing: "LS-03"
                "who no longer holds a name changes nothing";
            ls_03_who_released_holds_nothing: "LS-03"
                "releasing frees the name at once, and a second time answers `false`";
            ls_05_odd_names_do_not_collide: "LS-05"
                "no two names collide, whatever characters they have";
            ls_05_namespaces_share_nothing: "LS-05, X-13"
                "namespaces share nothing, also when the name of one begins with that of the other";
            ls_07_list_shows_the_living_with_their_latest_facts: "LS-07"
                "`list` shows exactly the live leases of a prefix, in order, with their latest facts";
            ls_07_facts_over_the_limit_are_too_large: "LS-07"
                "facts over the limit are `TooLarge`, and the lease stays as it was";
        }

        always lease_use {
            x_06_a_dropped_hold_holds_or_not: "X-06"
                "a dropped `hold` leaves the name held as a whole or free, and the handle usable";
            x_06_a_dropped_renew_or_release_is_done_or_not: "X-06"
                "a dropped `renew` or `release` is done or not, and the handle usable";
            x_08_one_thread_is_enough_for_leases: "X-08"
                "no call blocks the thread it runs on, and a runtime of one thread is enough";
            x_09_a_thousand_leases_at_once: "X-09"
                "handles can be used from many tasks at once";
            x_10_lease_errors_show_no_facts: "X-10"
                "errors do not show the facts of a lease";
            x_15_any_history_of_leases_is_that_of_the_model: "X-15"
                "any sequence of calls through several handles is answered as by the store in memory";
        }

        processes lease_process {
            ls_01_of_two_processes_one_holds: "LS-01"
                "of two processes one holds a name, each time with a greater fence";
        }

        outage lease_outage {
            x_01_no_lease_call_answers_without_its_backend: "X-01"
                "while the backend is down every call fails before its deadline, and none says that something does not exist";
            x_02_lease_calls_succeed_when_the_backend_is_back: "X-02"
                "when the backend is back, calls succeed and nothing is lost";
            x_03_a_hold_that_may_have_been_applied_is_unknown: "X-03"
                "a call that failed as `Unavailable` was not applied, one that succeeded was";
        }
    } };
}

#[doc(hidden)]
pub use crate::cases::lease_process::peer;

crate::__lease_store_list! { functions }
