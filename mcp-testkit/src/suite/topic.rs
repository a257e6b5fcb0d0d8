//! The suite of what is built on a log and a [`Notifier`].

use mcp_core::store::{EventStore, Notifier};

/// What one process needs to publish and to subscribe: a pair of an [`EventStore`] and a
/// [`Notifier`].
pub trait Topics: Send + Sync + 'static {
    /// The log is the truth.
    fn events(&self) -> &dyn EventStore;

    /// The wake-up is a hint.
    fn notifier(&self) -> &dyn Notifier;
}

impl<E, N> Topics for (E, N)
where
    E: EventStore + 'static,
    N: Notifier + 'static,
{
    fn events(&self) -> &dyn EventStore {
        &self.0
    }

    fn notifier(&self) -> &dyn Notifier {
        &self.1
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __topic_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        topic $crate::__private::Topics, [outage processes]

        always topic_wake {
            bp_01_a_listener_hears_what_is_published_right_after: "BP-01"
                "`listen` returns when it is armed: what any process publishes from then on is heard";
            bp_01_a_wake_up_for_one_instance_is_for_that_one: "BP-01"
                "a listener hears what is meant for its instance, and not what is meant for another";
            bp_03_every_listener_hears_every_log: "BP-03"
                "every listener is woken for every log that is named to everyone, and for no other";
            bp_06_a_slow_listener_holds_nobody_back: "BP-06"
                "a slow listener holds back neither publishers nor other listeners; what it cannot keep becomes `MayHaveLost`";
            bp_07_dropped_listeners_leave_nothing_behind: "BP-07"
                "ten thousand dropped listeners leave neither tasks nor connections behind";
            bp_08_a_new_listener_hears_while_the_last_one_goes: "BP-08"
                "a listener that begins while the last one of its instance goes is armed";
            bp_09_a_process_hears_its_own_wake_ups: "BP-09"
                "a process hears its own wake-ups";
            bp_10_a_long_name_is_heard_or_too_large: "BP-10"
                "a log with a name beyond what the backend can say is heard, may have been lost, or is `TooLarge`";
            bp_11_no_log_is_mistaken_for_another: "BP-11"
                "no log is mistaken for another, whatever its name";
            bp_12_namespaces_do_not_hear_each_other: "BP-12, X-13"
                "namespaces on one backend do not hear each other";
            bp_19_many_listeners_share_their_connections: "BP-19"
                "the connections of a process do not grow with its listeners";
        }

        always topic_subscription {
            bp_01_what_comes_after_arming_is_handed_out: "BP-01, EL-22"
                "what is appended after a subscription is armed is handed out, also of a log that did not exist";
            bp_02_all_subscribers_see_the_order_of_publishing: "BP-02"
                "all subscribers see one order, and in it each publisher's own";
            bp_03_each_subscriber_gets_each_event_once: "BP-03"
                "every subscriber gets each event of every topic exactly once";
            bp_05_a_loss_is_one_gap_before_later_events: "BP-05, BP-04"
                "a loss is one gap, before any later event: after a trim and in a new epoch";
            bp_05_a_log_that_vanishes_is_one_gap: "BP-05"
                "a log that vanishes is one gap; if it comes back, all of it is new";
            bp_06_a_slow_subscriber_gets_a_gap_and_what_is_kept: "BP-06"
                "a slow subscriber gets a gap and what is kept, and holds nobody back";
            bp_09_own_events_come_once: "BP-09"
                "a process gets its own events exactly once";
            bp_10_large_events_come_whole: "BP-10"
                "events at and above what a wake-up can carry come whole";
            bp_16_a_poll_needs_no_wake_up: "BP-16"
                "without any wake-up a poll finds what is new";
            x_07_a_poll_given_up_loses_and_repeats_nothing: "X-07, X-06"
                "a poll that is dropped at any point loses and repeats nothing";
        }

        always topic_cross {
            bp_21_what_is_dropped_ends: "BP-21"
                "dropped stores and listeners leave no task behind";
            x_06_a_publish_given_up_leaves_a_working_notifier: "X-06"
                "a publish that is dropped at any point woke the listeners or did not, and the next one does";
            x_06_a_listen_given_up_leaves_nothing_behind: "X-06, BP-07"
                "a listen that is dropped at any point leaves nothing behind, and the next one hears";
            x_07_a_wait_given_up_loses_nothing: "X-07"
                "waiting for a wake-up can be given up at any point: the next call gives the same";
            x_08_wake_ups_work_on_a_runtime_of_one_thread: "X-08"
                "no call blocks its thread: wake-ups come on a runtime of one thread";
        }

        processes topic_process {
            bp_01_what_another_process_posts_at_once_is_handed_out: "BP-01"
                "what another process posts right after arming is handed out, once";
            bp_01_a_listener_hears_another_process_at_once: "BP-01"
                "a listener hears what another process publishes right after it listens";
        }

        outage topic_outage {
            bp_04_an_event_is_delivered_after_an_outage: "BP-04, BP-15"
                "what is posted right after an outage is delivered, without a restart";
            bp_04_a_wake_up_or_a_possible_loss_is_heard: "BP-04, BP-13, BP-15"
                "a wake-up right after an outage is heard, or that it may have been lost; and the listener hears again";
            bp_20_publishing_fails_in_time_while_the_backend_is_away: "BP-20, X-01, X-02"
                "while the backend is away publishing fails in time; when it is back it succeeds";
            bp_21_what_is_dropped_ends_while_the_backend_is_away: "BP-21"
                "dropped stores and listeners leave no task behind while the backend is away";
        }
    } };
}

#[doc(hidden)]
pub use crate::cases::topic_process::peer;

crate::__topic_list! { functions }
