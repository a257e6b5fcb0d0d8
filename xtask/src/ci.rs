//! What CI runs.

use std::fs;

use crate::run::{self, Result, Steps, cargo};
use crate::test;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result {
    test::run(workspace, steps)?;
    steps.step("package", || package(workspace))
}

/// Builds every published crate from its package, unpublished siblings included.
///
/// A registry may hold other people's crates under our names, with higher versions. The patches
/// see to it that a package is built with its siblings from here.
fn package(workspace: &Workspace) -> Result {
    let mut command = cargo("package --workspace --all-features");
    for package in &workspace.packages {
        let name = &package.name;
        if package.is_published() {
            let directory = package.directory().display();
            command
                .arg("--config")
                .arg(format!("patch.crates-io.{name}.path='{directory}'"));
        } else {
            command.args(["--exclude", name]);
        }
    }
    run::run(&mut command)?;
    for package in workspace.published() {
        let folder = format!("package/{}-{}", package.name, package.version);
        let lock = workspace.target.join(folder).join("Cargo.lock");
        let text =
            fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
        if let Some(name) = strangers(workspace, &text).next() {
            return Err(
                format!("{} was built with a {name} that is not ours", package.name).into(),
            );
        }
    }
    Ok(())
}

/// The crates in a lock file that have the name of one of ours and come from elsewhere.
fn strangers<'a>(workspace: &'a Workspace, lock: &'a str) -> impl Iterator<Item = &'a str> {
    lock.split("[[package]]").skip(1).filter_map(|entry| {
        let value = |key: &str| {
            entry
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        };
        let name = value("name")?.trim_matches('"');
        let ours = workspace
            .packages
            .iter()
            .any(|package| package.name == name);
        (ours && value("source").is_some()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_from_a_registry_is_noticed() {
        let workspace = Workspace::load().unwrap();
        let ours = "version = 4\n\n[[package]]\nname = \"mcp-core\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n";
        assert_eq!(strangers(&workspace, ours).next(), None);
        let foreign = ours.replace("\"0.1.0\"\n", "\"0.1.50\"\nsource = \"registry+x\"\n");
        assert_eq!(strangers(&workspace, &foreign).next(), Some("mcp-core"));
    }
}
