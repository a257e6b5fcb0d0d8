//! Who tests the tests: for each rule a store that breaks it, and its case must notice.
//!
//! A mutant is a store in memory with one fault. It may break other rules as well; it must break
//! its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../support/mod.rs"]
mod support;

mod broken;
mod event;
mod lease;
mod session;
mod topic;

use std::collections::BTreeSet;

use mcp_testkit::{Outcome, Rule};
use tokio::runtime;

/// One test for each line `rule => harness of a store that breaks it`, and one that there is a line
/// for every rule of the suite. The harness before them is of a store in memory.
macro_rules! mutants {
    ($suite:ident, $memory:expr, $($rule:ident => $harness:expr;)*) => {
        $(
            #[test]
            fn $rule() {
                let harness = $harness;
                let rule = $crate::find(mcp_testkit::$suite::RULES, stringify!($rule));
                $crate::expect_failure(rule, async {
                    mcp_testkit::$suite::run_in(&harness, rule, Some(module_path!())).await
                });
            }
        )*

        // It has a memory of its own, in which nothing of the first process is.
        mcp_testkit::__another_process! { $suite $memory }

        #[test]
        fn every_rule_has_a_mutant() {
            $crate::expect_same(mcp_testkit::$suite::RULES, &[$(stringify!($rule)),*]);
        }
    };
}
use mutants;

fn find(rules: &'static [Rule], name: &str) -> &'static Rule {
    rules.iter().find(|rule| rule.name == name).unwrap()
}

fn expect_failure(rule: &Rule, run: impl Future<Output = Outcome>) {
    let mut runtime = runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let outcome = runtime.block_on(run);
    let noticed = matches!(outcome, Outcome::Failed(_));
    assert!(
        noticed,
        "nobody noticed that {} is broken: {outcome:?}",
        rule.name
    );
}

fn expect_same(rules: &[Rule], mutants: &[&str]) {
    let rules: BTreeSet<_> = rules.iter().map(|rule| rule.name).collect();
    let mutants: BTreeSet<_> = mutants.iter().copied().collect();
    assert_eq!(rules, mutants);
}
