//! Which store keeps which promise: the cases of `mcp-testkit` on every store, as CONFORMANCE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use mcp_testkit::{Level, PROMISES, Promise};
use serde::Deserialize;

use crate::mutants;
use crate::proofs::{self, Proof, Proofs};
use crate::run::{self, Result, Steps, cargo};
use crate::workspace::Workspace;

const DOCUMENT: &str = "CONFORMANCE.md";
const KIT: &str = "mcp-testkit";
/// The variable that names the file to which every case adds a line.
pub(crate) const REPORT: &str = "MCP_TESTKIT_REPORT";
/// The test binaries that run the kit's suites on a store that is published.
const SUITES: &str = "binary(memory) | binary(conformance)";

/// What one case said about one store.
#[derive(Debug, Deserialize)]
struct Line {
    backend: String,
    promises: Vec<String>,
    outcome: Outcome,
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    Disclaimed,
}

/// What all cases said about one promise of one store.
#[derive(Debug, Default)]
struct Cell {
    passed: usize,
    failed: usize,
    disclaimed: BTreeSet<String>,
}

/// Promise, then store.
type Matrix = BTreeMap<String, BTreeMap<String, Cell>>;

/// Runs the suites on every store and writes the document; with `check` it must be as it is.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, check: bool) -> Result {
    steps.step("stores", || {
        let mut command = cargo("nextest run --all-features --profile ci");
        for package in backends(workspace) {
            command.args(["--package", package]);
        }
        command.args(["--filterset", SUITES]);
        run::run(command.env(REPORT, fresh_report(workspace)?))
    })?;
    steps.step("conformance", || {
        let text = document(workspace)?;
        if check {
            return compare(workspace, &text);
        }
        Ok(fs::write(workspace.root.join(DOCUMENT), text)?)
    })
}

/// The document must say what the cases of the last run of all tests said.
pub(crate) fn check(workspace: &Workspace, steps: &mut Steps) -> Result {
    steps.step("conformance", || compare(workspace, &document(workspace)?))
}

/// An empty report, for the next run of the tests.
pub(crate) fn fresh_report(workspace: &Workspace) -> Result<PathBuf> {
    let path = report(workspace);
    fs::create_dir_all(path.parent().unwrap_or(&workspace.target))?;
    fs::write(&path, "")?;
    Ok(path)
}

fn report(workspace: &Workspace) -> PathBuf {
    workspace.target.join("conformance/report.jsonl")
}

/// The kit, which runs its suites on the stores in memory, and every store that is published.
fn backends(workspace: &Workspace) -> Vec<&str> {
    let uses_kit = |name: &str| name == KIT || name.starts_with("mcp-store-");
    let names = workspace.published().map(|package| package.name.as_str());
    let mut backends: Vec<_> = names.filter(|name| uses_kit(name)).collect();
    // The reference comes first.
    backends.sort_by_key(|name| (*name != KIT, *name));
    backends
}

/// What a store is called in the document.
fn column(package: &str) -> &str {
    match package {
        KIT => "memory",
        other => other.strip_prefix("mcp-store-").unwrap_or(other),
    }
}

fn compare(workspace: &Workspace, text: &str) -> Result {
    let found = fs::read_to_string(workspace.root.join(DOCUMENT)).unwrap_or_default();
    if found == text {
        return Ok(());
    }
    Err(format!("{DOCUMENT} is out of date: run `cargo xtask conformance` and commit it").into())
}

fn document(workspace: &Workspace) -> Result<String> {
    let path = report(workspace);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let stores: Vec<_> = backends(workspace).into_iter().map(column).collect();
    let matrix = read(&text)?;
    let proofs = proofs::collect(workspace, KIT)?;
    let networked: Vec<_> = backends(workspace).into_iter().skip(1).collect();
    let mut complaints = judge(&matrix, &stores);
    complaints.extend(proofs::judge(&proofs, &networked));
    complaints.extend(mutants::check(workspace, &proofs, &networked)?);
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    Ok(render(&matrix, &stores) + &elsewhere(&proofs, &networked))
}

fn read(report: &str) -> Result<Matrix> {
    let mut matrix = Matrix::new();
    for line in report.lines() {
        let line: Line = serde_json::from_str(line)?;
        for promise in line.promises {
            let stores = matrix.entry(promise).or_default();
            let store = column(&line.backend).to_owned();
            let cell = stores.entry(store).or_default();
            match line.outcome {
                Outcome::Passed => cell.passed += 1,
                Outcome::Failed => cell.failed += 1,
                Outcome::Disclaimed => cell.disclaimed.extend(line.why.clone()),
            }
        }
    }
    Ok(matrix)
}

/// A promise about stores that nobody checked, or that is broken, is an error.
fn judge(matrix: &Matrix, stores: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for promise in PROMISES {
        for store in stores {
            let cell = matrix.get(promise.id).and_then(|cells| cells.get(*store));
            match cell {
                Some(cell) if cell.failed > 0 => {
                    complaints.push(format!("{} is broken by {store}", promise.id));
                }
                None if promise.level == Level::Store => {
                    complaints.push(format!("{} is checked nowhere for {store}", promise.id));
                }
                _ => {}
            }
        }
    }
    complaints
}

fn render(matrix: &Matrix, stores: &[&str]) -> String {
    let mut text = String::from(HEAD);
    let mut reasons = Vec::new();
    heading(&mut text, stores);
    for (promise, cells) in PROMISES
        .iter()
        .filter_map(|promise| Some((promise, matrix.get(promise.id)?)))
    {
        write!(text, "| {} | {} |", promise.id, promise.text).ok();
        for store in stores {
            write!(text, " {} |", cell_text(cells.get(*store), &mut reasons)).ok();
        }
        text.push('\n');
    }
    footnotes(&mut text, &reasons);
    text
}

fn heading(text: &mut String, stores: &[&str]) {
    write!(text, "| promise | |").ok();
    for store in stores {
        write!(text, " {store} |").ok();
    }
    writeln!(text, "\n|---|---|{}", "---|".repeat(stores.len())).ok();
}

fn footnotes(text: &mut String, reasons: &[String]) {
    text.push('\n');
    for (number, reason) in reasons.iter().enumerate() {
        writeln!(text, "{}. {reason}.", number + 1).ok();
    }
}

/// How many cases passed, or a dash with the number of the reason.
fn cell_text(cell: Option<&Cell>, reasons: &mut Vec<String>) -> String {
    let Some(cell) = cell else {
        return "–".to_owned();
    };
    if cell.passed > 0 {
        return format!("✓ {}", cell.passed);
    }
    let numbers = cell.disclaimed.iter();
    let numbers = numbers.map(|reason| format!("({})", footnote(reason, reasons)));
    format!("– {}", numbers.collect::<Vec<_>>().join(" "))
}

/// The number of a reason, which is the next one when it is new.
fn footnote(reason: &str, reasons: &mut Vec<String>) -> usize {
    let known = reasons.iter().position(|known| known == reason);
    known.unwrap_or_else(|| {
        reasons.push(reason.to_owned());
        reasons.len() - 1
    }) + 1
}

/// The promises that the cases of the kit cannot reach.
fn elsewhere(proofs: &Proofs, stores: &[&str]) -> String {
    let mut text = String::from(WIRE);
    let columns: Vec<_> = stores.iter().map(|store| column(store)).collect();
    let mut reasons = Vec::new();
    heading(&mut text, &columns);
    for promise in of_level(Level::Wire) {
        write!(text, "| {} | {} |", promise.id, promise.text).ok();
        for store in stores {
            let proof = proofs.get(promise.id).and_then(|all| all.get(*store));
            write!(text, " {} |", proof_text(proof, &mut reasons)).ok();
        }
        text.push('\n');
    }
    footnotes(&mut text, &reasons);
    text.push_str(SERVER);
    for promise in of_level(Level::Server) {
        let all = proofs
            .get(promise.id)
            .into_iter()
            .flat_map(BTreeMap::values);
        let files = all.flat_map(|proof| &proof.tests).map(|(file, tests)| {
            let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
            format!("[{}]({file}): {}", short(file), tests.join(", "))
        });
        let files: Vec<_> = files.collect();
        writeln!(
            text,
            "| {} | {} | {} |",
            promise.id,
            promise.text,
            files.join("; ")
        )
        .ok();
    }
    text.push_str(RELEASE);
    for Promise {
        id,
        text: what,
        why,
        ..
    } in of_level(Level::Release)
    {
        writeln!(text, "| {id} | {what} | {why} |").ok();
    }
    text
}

fn of_level(level: Level) -> impl Iterator<Item = &'static Promise> {
    PROMISES
        .iter()
        .filter(move |promise| promise.level == level)
}

/// A file by its crate and its name.
fn short(file: &str) -> String {
    let parts: Vec<_> = file
        .split('/')
        .filter(|part| !matches!(*part, "src" | "tests"))
        .collect();
    parts.join("/")
}

/// How many tests name it, or a dash with the number of the reason.
fn proof_text(proof: Option<&Proof>, reasons: &mut Vec<String>) -> String {
    let Some(proof) = proof else {
        return "–".to_owned();
    };
    match &proof.disclaimed {
        Some(reason) if proof.count() == 0 => format!("– ({})", footnote(reason, reasons)),
        _ => format!("✓ {}", proof.count()),
    }
}

const HEAD: &str = "\
# Conformance

What every store promises, and how many cases of [`mcp-testkit`](mcp-testkit) prove it for each.
This file is written by `cargo xtask conformance`; the gate checks that it is true.

## Stores

A number is that of the cases that passed. A dash is a promise that a store disclaims, with its reason below.

";

const WIRE: &str = "
## Faults of a backend

It takes a backend of its own to bring them about, so they are no cases of the kit but tests of each store on a server. A number is
that of the tests that name the promise; one that no test names fails the gate. For each there are stores that break it, in
[`mutants.toml`](xtask/mutants.toml), which `cargo xtask mutants` builds one by one and shows to a test.

";

const SERVER: &str = "
## Servers

What no store can keep alone. Each is proven by the tests that name it; one that no test names fails the gate.

| promise | | tests |
|---|---|---|
";

const RELEASE: &str = "
## Before a release, and later

| promise | | why no test does it |
|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: &str = r#"{"backend":"mcp-testkit","suite":"s","case":"c","promises":["SS-02","SS-03"],"outcome":"passed"}"#;
    const FAILED: &str = r#"{"backend":"mcp-store-redis","suite":"s","case":"c","promises":["SS-02"],"outcome":"failed","why":"no"}"#;
    const DISCLAIMED: &str = r#"{"backend":"mcp-testkit","suite":"s","case":"c","promises":["X-01"],"outcome":"disclaimed","why":"it is here"}"#;

    #[test]
    fn lines_become_cells() {
        let matrix = read(&[PASSED, PASSED, DISCLAIMED].join("\n")).unwrap();
        let mut reasons = Vec::new();
        let mut cell = |id: &str| cell_text(matrix[id].get("memory"), &mut reasons);
        assert_eq!(cell("SS-02"), "✓ 2");
        assert_eq!(cell("X-01"), "– (1)");
        assert_eq!(reasons, ["it is here"]);
    }

    #[test]
    fn what_is_broken_or_checked_nowhere_is_named() {
        let matrix = read(&[PASSED, FAILED].join("\n")).unwrap();
        let error = judge(&matrix, &["memory", "redis"]).join("\n");
        assert!(error.contains("SS-02 is broken by redis"));
        assert!(error.contains("SS-03 is checked nowhere for redis"));
        assert!(!error.contains("SS-03 is checked nowhere for memory"));
        assert!(!error.contains("E2E-01"));
    }
}
