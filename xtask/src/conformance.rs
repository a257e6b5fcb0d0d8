//! Which store keeps which promise: the cases of `mcp-testkit` on every store, as CONFORMANCE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mcp_testkit::{Level, PROMISES, Promise};
use serde::Deserialize;

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
    judge(&matrix, &stores)?;
    Ok(render(&matrix, &stores, &named_in_tests(workspace)?))
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
fn judge(matrix: &Matrix, stores: &[&str]) -> Result {
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
    if complaints.is_empty() {
        return Ok(());
    }
    Err(complaints.join("\n").into())
}

fn render(matrix: &Matrix, stores: &[&str], tests: &BTreeMap<&str, BTreeSet<String>>) -> String {
    let mut text = String::from(HEAD);
    let mut reasons = Vec::new();
    write!(text, "| promise | |").ok();
    for store in stores {
        write!(text, " {store} |").ok();
    }
    writeln!(text, "\n|---|---|{}", "---|".repeat(stores.len())).ok();
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
    text.push('\n');
    for (number, reason) in reasons.iter().enumerate() {
        writeln!(text, "{}. {reason}.", number + 1).ok();
    }
    text.push_str(ELSEWHERE);
    for promise in PROMISES
        .iter()
        .filter(|promise| promise.level != Level::Store)
    {
        writeln!(text, "{}", elsewhere(promise, tests.get(promise.id))).ok();
    }
    text
}

/// How many cases passed, or a dash with the number of the reason.
fn cell_text(cell: Option<&Cell>, reasons: &mut Vec<String>) -> String {
    let Some(cell) = cell else {
        return "–".to_owned();
    };
    if cell.passed > 0 {
        return format!("✓ {}", cell.passed);
    }
    let mut numbers = Vec::new();
    for reason in &cell.disclaimed {
        let known = reasons.iter().position(|known| known == reason);
        let index = known.unwrap_or_else(|| {
            reasons.push(reason.clone());
            reasons.len() - 1
        });
        numbers.push(format!("({})", index + 1));
    }
    format!("– {}", numbers.join(" "))
}

fn elsewhere(promise: &Promise, tests: Option<&BTreeSet<String>>) -> String {
    let files = tests.map(|files| files.iter().map(|file| format!("`{file}`")));
    let files: Vec<_> = files.into_iter().flatten().collect();
    let named = if files.is_empty() {
        "none by its number".to_owned()
    } else {
        files.join(", ")
    };
    let Promise {
        id,
        level,
        text,
        why,
        ..
    } = promise;
    format!("| {id} | {text} | {} | {why} | {named} |", level.as_str())
}

/// The test files outside the kit that name a promise by its number.
fn named_in_tests(workspace: &Workspace) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let mut named = BTreeMap::<_, BTreeSet<_>>::new();
    for package in &workspace.packages {
        let tests = package.directory().join("tests");
        if package.name == KIT || !tests.exists() {
            continue;
        }
        let mut files = Vec::new();
        rust_files(&tests, &mut files)?;
        for file in files {
            let text = fs::read_to_string(&file)?;
            let path = file.strip_prefix(&workspace.root).unwrap_or(&file);
            let ids = PROMISES.iter().map(|promise| promise.id);
            for id in ids.filter(|id| names(&text, id)) {
                let files = named.entry(id).or_default();
                files.insert(path.display().to_string());
            }
        }
    }
    Ok(named)
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether the number stands in the text, and not as the end of a longer one: `BP-01`, not `X-01`
/// in `MAX-01`.
fn names(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(|c| c.is_ascii_digit())
    })
}

const HEAD: &str = "\
# Conformance

What every store promises, and how many cases of [`mcp-testkit`](mcp-testkit) prove it for each.
This file is written by `cargo xtask conformance`; the gate checks that it is true.

## Stores

A number is that of the cases that passed. A dash is a promise that a store disclaims, with its reason below.

";

const ELSEWHERE: &str = "
## Proven elsewhere

The cases of the kit cannot reach these. *wire* is proven by the tests of a store with faults of its backend, *server* with running servers,
*release* by hand before a release.

| promise | | level | why there is no case | tests that name it |
|---|---|---|---|---|
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
        let error = judge(&matrix, &["memory", "redis"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("SS-02 is broken by redis"));
        assert!(error.contains("SS-03 is checked nowhere for redis"));
        assert!(!error.contains("SS-03 is checked nowhere for memory"));
        assert!(!error.contains("E2E-01"));
    }

    #[test]
    fn a_number_is_found_as_a_whole() {
        assert!(names("/// X-01: it fails", "X-01"));
        assert!(!names("/// MAX-01", "X-01"));
        assert!(!names("/// X-011", "X-01"));
    }
}
