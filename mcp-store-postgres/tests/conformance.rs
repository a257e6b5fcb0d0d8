//! The suites that every store must pass.

mod support;

use support::Postgres;

mod session_store {
    use super::*;

    mcp_testkit::session_store_tests! {
        harness: Postgres::new(|backend| backend),
        with: [outage, damage, processes, scan],
        without: {},
    }
}

mod event_store {
    use super::*;

    mcp_testkit::event_store_tests! {
        harness: Postgres::new(|backend| backend),
        with: [outage, processes, scan],
        without: {},
    }
}

mod topic {
    use super::*;

    mcp_testkit::topic_tests! {
        harness: Postgres::new(|backend| (backend.clone(), backend)),
        with: [outage, processes],
        without: {},
    }
}

mod lease_store {
    use super::*;

    mcp_testkit::lease_store_tests! {
        harness: Postgres::new(|backend| backend),
        with: [outage, processes],
        without: {},
    }
}
