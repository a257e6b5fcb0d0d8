//! Everything that CI runs but packaging.

use crate::official::Target;
use crate::run::{self, Result, Steps, cargo};
use crate::workspace::Workspace;
use crate::{chaos, clients, conformance, deploy, official, pooler, proxies, server, tidy, tools};

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result {
    steps.step("format", || run::run(&mut cargo("fmt --all --check")))?;
    steps.step("lint", || lint(workspace))?;
    steps.step("tidy", || tidy::check(workspace))?;
    steps.step("tools", || tools::install(workspace))?;
    steps.step("examples", || server::build_versions(workspace))?;
    steps.step("tests", || tests(workspace))?;
    conformance::check(workspace, steps)?;
    deploy::manifests(workspace, steps)?;
    steps.step("doctests", || {
        run::run(&mut cargo("test --doc --workspace --all-features"))
    })?;
    steps.step("documentation", documentation)?;
    chaos::short(workspace, steps)?;
    pooler::installed(workspace, steps)?;
    proxies::installed(workspace, steps)?;
    official::run(workspace, steps, Target::Alone)?;
    clients::run(workspace, steps, None)
}

fn lint(workspace: &Workspace) -> Result {
    run::run(&mut cargo(
        "clippy --workspace --all-targets --all-features -- -D warnings",
    ))?;
    // Alone, because the features that siblings turn on hide what a crate forgot to ask for.
    for package in workspace.published() {
        run::run(&mut cargo(&format!(
            "clippy --package {} --lib --no-default-features -- -D warnings",
            package.name
        )))?;
    }
    Ok(())
}

/// Runs every test. The cases of the kit report what they saw.
fn tests(workspace: &Workspace) -> Result {
    let report = conformance::fresh_report(workspace)?;
    let mut command = if run::output(&mut cargo("nextest --version")).is_ok() {
        cargo("nextest run --workspace --all-features --profile ci")
    } else {
        println!(
            "note: cargo-nextest is not installed, so `cargo test` runs the tests, without time limits"
        );
        cargo("test --workspace --all-features --lib --bins --tests --examples --no-fail-fast")
    };
    run::run(command.env(conformance::REPORT, report))
}

/// The cases of several instances, with clients that go through HAProxy.
pub(crate) fn through_haproxy(workspace: &Workspace, steps: &mut Steps) -> Result {
    steps.step("examples", || server::build_versions(workspace))?;
    steps.step("several instances behind HAProxy", || {
        let mut command = cargo("nextest run --package mcp-examples --test cluster");
        run::run(command.env("MCP_CLUSTER_PROXY", "haproxy"))
    })
}

fn documentation() -> Result {
    let mut command = cargo("doc --workspace --no-deps --all-features");
    run::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
