//! The stores in memory pass every suite.

mod support;

use mcp_core::store::{MemoryEventStore, MemoryLeaseStore, MemoryNotifier, MemorySessionStore};

use mcp_testkit::Claims;
use support::Memory;

mod session_store {
    use super::*;

    mcp_testkit::session_store_tests! {
        harness: Memory::new(MemorySessionStore::with_clock),
        with: [],
        without: {
            outage: "it is in the process that uses it",
            damage: "it keeps records, not bytes",
            processes: "it is in the process that uses it",
            scan: "nobody else can look into it",
        },
    }
}

mod lease_store {
    use super::*;

    mcp_testkit::lease_store_tests! {
        harness: Memory::new(MemoryLeaseStore::with_clock),
        with: [],
        without: {
            outage: "it is in the process that uses it",
            processes: "it is in the process that uses it",
        },
    }
}

mod event_store {
    use super::*;

    mcp_testkit::event_store_tests! {
        harness: Memory::new(MemoryEventStore::with_clock),
        with: [],
        without: {
            outage: "it is in the process that uses it",
            processes: "it is in the process that uses it",
            scan: "nobody else can look into it",
        },
    }
}

mod topic {
    use super::*;

    mcp_testkit::topic_tests! {
        harness: Memory::new(|clock| (MemoryEventStore::with_clock(clock), MemoryNotifier::new())),
        with: [],
        without: {
            outage: "it is in the process that uses it",
            processes: "it is in the process that uses it",
        },
    }
}

#[tokio::test]
async fn the_function_form_checks_the_claims_too() {
    let harness = Memory::new(MemoryLeaseStore::with_clock);
    let report = mcp_testkit::lease_store::run_all(&harness, &Claims::new()).await;
    let broken: Vec<_> = report.failures().map(|line| line.rule.name).collect();
    assert!(broken.contains(&"declares_its_capabilities"), "{report}");
}
