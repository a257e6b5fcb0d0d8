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
        topic $crate::__private::Topics, [outage]

        always topic {
            bp_09_a_process_hears_its_own_wake_ups: "BP-09"
                "a process hears its own wake-ups";
        }
    } };
}

crate::__topic_list! { functions }
