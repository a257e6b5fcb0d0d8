//! The stores on Redis pass every suite.
//!
//! X-14 is disclaimed: keys have no schema, and what is stored in them says which versions can read it.

mod support;

use support::Redis;

mod session_store {
    use super::*;

    mcp_testkit::session_store_tests! {
        harness: Redis::new(|backend| backend),
        with: [outage, damage, processes, scan],
        without: {},
    }
}

mod lease_store {
    use super::*;

    mcp_testkit::lease_store_tests! {
        harness: Redis::new(|backend| backend),
        with: [outage, processes],
        without: {},
    }
}

mod event_store {
    use super::*;

    mcp_testkit::event_store_tests! {
        harness: Redis::new(|backend| backend),
        with: [outage, processes, scan],
        without: {},
    }
}

mod topic {
    use super::*;

    mcp_testkit::topic_tests! {
        harness: Redis::new(|backend| (backend.clone(), backend)),
        with: [outage, processes],
        without: {},
    }
}
