//! The suite of [`EventStore`](mcp_core::store::EventStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __event_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        event_store $crate::__private::EventStore, [outage]

        always event {
            el_01_positions_count_from_one: "EL-01"
                "positions count from 1 in an epoch, without a hole";
        }
    } };
}

crate::__event_store_list! { functions }
