//! The suite of [`SessionStore`](mcp_core::store::SessionStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __session_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        session_store $crate::__private::SessionStore, [outage damage]

        always session {
            ss_02_only_one_create_wins: "SS-02"
                "of many concurrent creates of an id exactly one succeeds, and its record stands";
            ss_05_a_stale_version_conflicts: "SS-05"
                "an update with the current version grows it by one; with another it is a `Conflict` and changes nothing";
        }
    } };
}

crate::__session_store_list! { functions }
