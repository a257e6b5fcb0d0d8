//! What CI runs.

use crate::run::{self, Result, Steps, cargo};
use crate::test;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result {
    test::run(workspace, steps)?;
    steps.step("package", || package(workspace))
}

/// Builds every published crate from its package, unpublished siblings included.
fn package(workspace: &Workspace) -> Result {
    let mut command = cargo("package --workspace --all-features");
    for package in workspace
        .packages
        .iter()
        .filter(|package| !package.is_published())
    {
        command.args(["--exclude", &package.name]);
    }
    run::run(&mut command)
}
