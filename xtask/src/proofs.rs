//! Which tests outside the kit prove which promise: those whose doc comment or name carries its number.
//!
//! `/// BP-13: ..` above a test, or `fn e2e_01_..`. A store that has nothing to keep a promise with says
//! so in a comment of its tests: `//! X-14 is disclaimed: keys have no schema.`

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use mcp_testkit::{Level, PROMISES, Promise};

use crate::run::Result;
use crate::workspace::{Package, Workspace};

const DISCLAIMED: &str = " is disclaimed: ";

/// What the tests of one crate say about one promise.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// By the file that they stand in.
    pub(crate) tests: BTreeMap<String, BTreeSet<String>>,
    pub(crate) disclaimed: Option<String>,
}

impl Proof {
    pub(crate) fn count(&self) -> usize {
        self.tests.values().map(BTreeSet::len).sum()
    }
}

/// Promise, then crate.
pub(crate) type Proofs = BTreeMap<&'static str, BTreeMap<String, Proof>>;

/// Reads the tests of every crate but the kit, which has the cases.
pub(crate) fn collect(workspace: &Workspace, kit: &str) -> Result<Proofs> {
    let mut proofs = Proofs::new();
    for package in workspace.packages.iter().filter(|one| one.name != kit) {
        for folder in ["src", "tests"] {
            let folder = package.directory().join(folder);
            if folder.exists() {
                read_folder(workspace, package, &folder, &mut proofs)?;
            }
        }
    }
    Ok(proofs)
}

/// A promise that no case of the kit checks, and no test either, is an error.
pub(crate) fn judge(proofs: &Proofs, stores: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for promise in PROMISES {
        let found = proofs.get(promise.id);
        let missing = |store: &str| found.is_none_or(|found| !found.contains_key(store));
        match promise.level {
            Level::Wire => complaints.extend(
                stores
                    .iter()
                    .filter(|store| missing(store))
                    .map(|store| format!("no test of {store} names {}", promise.id)),
            ),
            Level::Server if found.is_none() => {
                complaints.push(format!("no test names {}", promise.id));
            }
            _ => {}
        }
    }
    complaints
}

fn read_folder(
    workspace: &Workspace,
    package: &Package,
    folder: &Path,
    proofs: &mut Proofs,
) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(workspace, package, &path, proofs)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            let file = path.strip_prefix(&workspace.root).unwrap_or(&path);
            let text = fs::read_to_string(&path)?;
            for (promise, said) in read(&text) {
                let proof = proofs.entry(promise.id).or_default();
                let proof = proof.entry(package.name.clone()).or_default();
                match said {
                    Said::By(name) => {
                        let file = file.display().to_string();
                        proof.tests.entry(file).or_default().insert(name);
                    }
                    Said::Not(why) => proof.disclaimed = Some(why),
                }
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    By(String),
    Not(String),
}

/// Every promise that a test in `text` names, or that a comment disclaims.
fn read(text: &str) -> Vec<(&'static Promise, Said)> {
    let mut said = Vec::new();
    let mut above = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(disclaimed) = disclaimed(line) {
            said.push(disclaimed);
        } else if line.starts_with("///") || line.starts_with("#[") {
            above.push(line);
        } else {
            if let Some(name) = function(line) {
                let named = PROMISES.iter().filter(|one| proves(one, name, &above));
                said.extend(named.map(|one| (one, Said::By(name.to_owned()))));
            }
            above.clear();
        }
    }
    said
}

fn disclaimed(line: &str) -> Option<(&'static Promise, Said)> {
    let (id, why) = line.strip_prefix("//! ")?.split_once(DISCLAIMED)?;
    let promise = PROMISES.iter().find(|promise| promise.id == id)?;
    Some((promise, Said::Not(why.trim_end_matches('.').to_owned())))
}

fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let words = [
        "",
        "async ",
        "pub(crate) ",
        "pub(crate) async ",
        "pub(super) async ",
    ];
    words.contains(&before).then_some(())?;
    after.split(['(', '<']).next()
}

/// Whether a function with these comments and attributes above it is a test of the promise.
fn proves(promise: &Promise, name: &str, above: &[&str]) -> bool {
    let is_named = |promise: &Promise| {
        let prefix = format!("{}_", promise.id.to_lowercase().replace('-', "_"));
        name.starts_with(&prefix)
    };
    // A case that runs on every backend has its number in its name, and its attribute elsewhere.
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let is_test = above.iter().any(is_test) || PROMISES.iter().any(is_named);
    is_named(promise) || is_test && above.iter().any(|line| names(line, promise.id))
}

/// Whether the number stands in a doc comment, and not as the end of a longer one: `X-01`, not the
/// `X-01` of `MAX-01`.
fn names(line: &str, id: &str) -> bool {
    let Some(text) = line.strip_prefix("///") else {
        return false;
    };
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(|c| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, Said)> {
        let said = read(text).into_iter();
        said.map(|(promise, said)| (promise.id, said)).collect()
    }

    #[test]
    fn a_test_proves_what_its_comment_or_its_name_says() {
        let by = |name: &str| Said::By(name.to_owned());
        let commented = "/// BP-13, BP-15: it hears again.\n#[tokio::test]\nasync fn hears() {";
        assert_eq!(
            found(commented),
            [("BP-13", by("hears")), ("BP-15", by("hears"))]
        );
        let named = "pub(crate) async fn e2e_01_everywhere(backend: Backend) {";
        assert_eq!(found(named), [("E2E-01", by("e2e_01_everywhere"))]);
    }

    #[test]
    fn what_is_no_test_proves_nothing() {
        assert_eq!(found("/// BP-13: a helper.\nasync fn helper() {"), []);
        assert_eq!(found("/// BP-13\nstruct S;\n#[test]\nfn other() {"), []);
        assert_eq!(found("/// MAX-01, X-011\n#[test]\nfn other() {"), []);
    }

    #[test]
    fn a_store_can_disclaim_with_a_reason() {
        let why = Said::Not("keys have no schema".to_owned());
        assert_eq!(
            found("//! X-14 is disclaimed: keys have no schema."),
            [("X-14", why)]
        );
    }

    #[test]
    fn what_nobody_names_is_missed() {
        let complaints = judge(&Proofs::new(), &["mcp-store-redis"]);
        assert!(complaints.contains(&"no test of mcp-store-redis names BP-13".to_owned()));
        assert!(complaints.contains(&"no test names E2E-01".to_owned()));
        assert!(
            !complaints
                .iter()
                .any(|complaint| complaint.ends_with("SS-02"))
        );
        assert!(
            !complaints
                .iter()
                .any(|complaint| complaint.ends_with("X-16"))
        );
    }
}
