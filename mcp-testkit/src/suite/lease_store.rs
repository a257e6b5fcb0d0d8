//! The suite of [`LeaseStore`](mcp_core::store::LeaseStore).

#[doc(hidden)]
#[macro_export]
macro_rules! __lease_store_list {
    ($($what:tt)*) => { $crate::__suite! { $($what)*
        lease_store $crate::__private::LeaseStore, [outage]

        always lease {
            ls_01_every_holder_gets_a_greater_fence: "LS-01"
                "each success carries a fence greater than every earlier one of that name";
        }
    } };
}

crate::__lease_store_list! { functions }
