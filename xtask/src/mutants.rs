//! Who tests the tests of a store on a server: stores with one promise broken, as `mutants.toml` lists them.
//!
//! What breaks a promise that takes a backend's own faults stands in the store itself, so a mutant is a
//! change of its source, made in a copy of the project and built there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mcp_testkit::{Level, PROMISES};
use serde::Deserialize;

use crate::proofs::Proofs;
use crate::run::{self, Result, Steps, cargo};
use crate::workspace::Workspace;

const LIST: &str = include_str!("../mutants.toml");

/// What nextest ends with when it ran what was asked for, and a test failed.
const TEST_FAILED: i32 = 100;

#[derive(Debug, Deserialize)]
struct List {
    mutant: Vec<Mutant>,
}

/// A store with a promise broken.
#[derive(Debug, Deserialize)]
struct Mutant {
    promise: String,
    store: String,
    /// What is wrong with it.
    name: String,
    /// Who must notice: `file::test`.
    test: String,
    edits: Vec<Edit>,
}

/// A file of the store, what stands there once, and what stands there instead.
#[derive(Debug, Deserialize)]
struct Edit(PathBuf, String, String);

fn list() -> Result<Vec<Mutant>> {
    Ok(toml::from_str::<List>(LIST)?.mutant)
}

/// Builds each mutant in a copy of the project; its test must fail. `only` is a part of the name of a test.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, only: Option<&str>) -> Result {
    let home = workspace.target.join("mutants");
    let copy = home.join("source");
    steps.step("copy", || copy_sources(&workspace.root, &copy))?;
    let mut alive = Vec::new();
    for mutant in list()? {
        if only.is_some_and(|only| !mutant.test.contains(only)) {
            continue;
        }
        let name = format!("{} of {}: {}", mutant.promise, mutant.store, mutant.name);
        let died = steps.step(&name, || {
            let undo = mutant.apply(&copy)?;
            let died = mutant.dies(&copy, &home.join("target"));
            undo.into_iter()
                .try_for_each(|(file, text)| fs::write(file, text))?;
            died
        });
        alive.extend(died.err());
    }
    match alive.first() {
        None => Ok(()),
        Some(_) => Err(format!("{} mutants were not noticed", alive.len()).into()),
    }
}

impl Mutant {
    /// Breaks the promise in the copy; how each file was before.
    fn apply(&self, copy: &Path) -> Result<Vec<(PathBuf, String)>> {
        let mut undo = Vec::new();
        for Edit(file, from, to) in &self.edits {
            let file = copy.join(&self.store).join(file);
            let text = fs::read_to_string(&file)?;
            fs::write(&file, text.replacen(from, to, 1))?;
            undo.push((file, text));
        }
        // A file that was changed twice ends as it was before the first time.
        undo.reverse();
        Ok(undo)
    }

    /// Whether its test fails; an error when it passes, or when nothing was tested.
    fn dies(&self, copy: &Path, target: &Path) -> Result {
        let (file, test) = self.test.split_once("::").ok_or("a test is file::name")?;
        let mut nextest = cargo("nextest run --all-features --no-fail-fast");
        nextest
            .args(["--package", &self.store, "--test", file])
            .args(["-E", &format!("test(={test})")])
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_TERM_COLOR", "never")
            .current_dir(copy);
        let output = nextest.output()?;
        match output.status.code() {
            Some(TEST_FAILED) => Ok(()),
            Some(0) => Err(format!("{} did not notice", self.test).into()),
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(format!("{} was not run\n{said}", self.test).into())
            }
        }
    }
}

/// Every file that git knows of, as it is now. What has not changed is left alone, so that nothing is built
/// again that need not be.
fn copy_sources(root: &Path, copy: &Path) -> Result {
    let mut files = Command::new("git");
    let files = run::output(files.args(["ls-files", "-z"]).current_dir(root))?;
    for file in files.split_terminator('\0') {
        let (from, to) = (root.join(file), copy.join(file));
        // Deleted, and not yet committed.
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|present| present == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(copy))?;
        fs::write(to, bytes)?;
    }
    Ok(())
}

/// What is wrong with the list: a promise without a mutant, an edit that does not fit.
pub(crate) fn check(
    workspace: &Workspace,
    proofs: &Proofs,
    stores: &[&str],
) -> Result<Vec<String>> {
    let list = list()?;
    let has = |promise: &str, store: &str| {
        let mut mutants = list.iter();
        mutants.any(|mutant| mutant.promise == promise && mutant.store == store)
    };
    let mut complaints = Vec::new();
    for promise in PROMISES.iter().filter(|one| one.level == Level::Wire) {
        let tested = |store: &str| {
            let proof = proofs.get(promise.id).and_then(|found| found.get(store));
            proof.is_some_and(|proof| proof.count() > 0)
        };
        let missing = stores
            .iter()
            .filter(|store| tested(store) && !has(promise.id, store));
        complaints
            .extend(missing.map(|store| format!("no mutant of {store} breaks {}", promise.id)));
    }
    for mutant in &list {
        let tests = proofs.get(mutant.promise.as_str());
        let tests = tests.and_then(|found| found.get(&mutant.store));
        let names: BTreeSet<&str> = tests
            .into_iter()
            .flat_map(|proof| proof.tests.values().flatten())
            .map(String::as_str)
            .collect();
        let test = mutant.test.split("::").last().unwrap_or_default();
        if !names.contains(test) {
            complaints.push(format!("{} is no test of {}", mutant.test, mutant.promise));
        }
        for Edit(file, from, _) in &mutant.edits {
            let source = fs::read_to_string(workspace.root.join(&mutant.store).join(file))?;
            if source.matches(from.as_str()).count() != 1 {
                let file = file.display();
                complaints.push(format!(
                    "{}: not exactly once in {file}: {from}",
                    mutant.name
                ));
            }
        }
    }
    Ok(complaints)
}
