//! Several instances on one backend, as processes: no client stays with an instance.
//!
//! Every case runs on each backend. Its number is that of the promise it checks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and shows what its processes said"
)]

mod backend;
mod client;
mod front;
mod modern;
mod process;
mod sse;

mod asks;
mod listeners;
mod notices;
mod outage;
mod owners;
mod rolling;
mod sessions;
mod streams;
mod versions;

/// A test per case and backend.
macro_rules! cases {
    ($($theme:ident::$case:ident,)*) => {
        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$theme::$case(crate::backend::Backend::Redis).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$theme::$case(crate::backend::Backend::Postgres).await;
                }
            )*
        }
    };
}

/// A test per case and backend, on instances of this version and of the next.
macro_rules! cases_of_two_versions {
    ($($theme:ident::$case:ident,)*) => {
        mod e2e_12_two_versions {
            mod redis {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let case = crate::$theme::$case(crate::backend::Backend::Redis);
                        crate::process::of_two_versions(case).await;
                    }
                )*
            }

            mod postgres {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let case = crate::$theme::$case(crate::backend::Backend::Postgres);
                        crate::process::of_two_versions(case).await;
                    }
                )*
            }
        }
    };
}

cases_of_two_versions! {
    sessions::e2e_01_a_session_is_known_everywhere_until_it_is_deleted,
    streams::e2e_02_a_stream_cut_after_every_event_loses_and_repeats_nothing,
    streams::e2e_03_a_stream_of_a_killed_instance_ends_with_an_error,
    asks::e2e_04_a_question_of_one_instance_is_answered_through_another,
    streams::e2e_05_a_call_is_cancelled_through_another_instance,
    notices::e2e_06_a_changed_list_is_told_to_everyone_who_asked,
    notices::e2e_06_an_update_is_told_to_those_who_subscribed,
    rolling::e2e_09_a_rolling_restart_loses_no_response,
    asks::e2e_13_a_question_without_a_session_is_answered_at_another_instance,
}

cases! {
    sessions::e2e_01_a_session_is_known_everywhere_until_it_is_deleted,
    sessions::e2e_01_the_end_of_a_session_ends_its_streams_and_calls_everywhere,
    sessions::ss_09_what_all_instances_write_at_once_is_kept,
    sessions::e2e_15_a_session_in_use_outlives_its_idle_time,
    streams::e2e_02_a_stream_cut_on_one_instance_goes_on_at_another,
    streams::e2e_02_a_stream_cut_after_every_event_loses_and_repeats_nothing,
    streams::e2e_02_what_is_said_while_nobody_listens_is_kept,
    streams::e2e_03_a_stream_of_a_killed_instance_ends_with_an_error,
    streams::e2e_03_whoever_reads_elsewhere_hears_of_the_loss,
    streams::e2e_03_an_instance_that_comes_later_ends_the_stream_too,
    asks::e2e_04_a_question_of_one_instance_is_answered_through_another,
    asks::e2e_04_only_the_first_answer_counts,
    asks::e2e_04_an_answer_that_nobody_waits_for_is_refused_at_once,
    streams::e2e_05_a_call_is_cancelled_through_another_instance,
    streams::e2e_05_progress_reaches_the_stream_wherever_it_is,
    notices::e2e_06_a_changed_list_is_told_to_everyone_who_asked,
    notices::e2e_06_an_update_is_told_to_those_who_subscribed,
    notices::e2e_06_another_namespace_hears_nothing,
    notices::e2e_07_whoever_listens_hears_what_follows_the_acknowledgement,
    notices::e2e_07_whoever_subscribed_hears_what_follows,
    outage::e2e_08_an_outage_ends_no_session,
    rolling::e2e_09_a_rolling_restart_loses_no_response,
    owners::e2e_10_the_session_of_another_user_looks_unknown,
    owners::e2e_10_the_event_of_another_session_looks_unknown,
    listeners::e2e_11_a_second_stream_hears_while_the_first_is_half_open,
    listeners::e2e_11_of_two_live_streams_the_newer_hears_everything,
    listeners::e2e_11_the_older_stream_goes_on_when_the_newer_ends,
    listeners::e2e_11_the_end_of_a_stream_takes_nothing_from_a_newer_one,
    listeners::e2e_11_an_older_stream_goes_on_when_the_instance_of_the_newer_dies,
    versions::e2e_12_entries_of_the_next_version_are_read_or_passed_over,
    versions::e2e_12_what_the_next_version_keeps_in_a_session_stays,
    versions::e2e_12_an_instance_that_confirms_nothing_delays_a_delete_and_no_more,
    versions::e2e_12_clients_of_every_revision_share_the_instances,
    asks::e2e_13_a_question_without_a_session_is_answered_at_another_instance,
    asks::e2e_13_configured_keys_are_enough,
}
