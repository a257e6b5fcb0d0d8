//! Every claim in `docs/claims.md` names a proof that exists.

use std::fs;
use std::path::Path;

use super::Violation;

const DOCUMENT: &str = "docs/claims.md";
const JOBS: &str = "xtask/src/main.rs";

pub(super) fn check(root: &Path) -> Vec<Violation> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let Some(document) = read(DOCUMENT) else {
        return vec![Violation::of(DOCUMENT, "does not exist")];
    };
    check_rows(&document, |proof| exists(proof, read))
}

/// The rows behind the head of the table, each of which ends with its proofs.
fn check_rows(document: &str, exists: impl Fn(&str) -> bool) -> Vec<Violation> {
    let lines = (1..).zip(document.lines());
    let rows = lines.filter(|(_, line)| line.starts_with('|')).skip(2);
    let mut violations = Vec::new();
    for (number, row) in rows {
        let proofs = proofs(row);
        if proofs.is_empty() {
            violations.push(Violation::at(DOCUMENT, number, "a claim without a proof"));
        }
        let missing = proofs.into_iter().filter(|proof| !exists(proof));
        violations.extend(
            missing.map(|proof| Violation::at(DOCUMENT, number, format!("there is no `{proof}`"))),
        );
    }
    violations
}

/// What stands between backticks in the last column.
fn proofs(row: &str) -> Vec<&str> {
    let cells = row.trim_end().trim_end_matches('|').rsplit('|');
    let last = cells.into_iter().next().unwrap_or_default();
    last.split('`').skip(1).step_by(2).collect()
}

/// `path/to/file.rs::name` is a function or type in a file, `cargo xtask job` is a job, anything else
/// a file.
fn exists(proof: &str, read: impl Fn(&str) -> Option<String>) -> bool {
    if let Some(job) = proof.strip_prefix("cargo xtask ") {
        let word = job.split(' ').next().unwrap_or_default();
        let mut name = word.to_owned();
        name.get_mut(..1).map(str::make_ascii_uppercase);
        let jobs = read(JOBS).unwrap_or_default();
        return [",", " {"]
            .iter()
            .any(|end| jobs.contains(&format!("    {name}{end}")));
    }
    let Some((file, name)) = proof.split_once("::") else {
        return read(proof).is_some();
    };
    let text = read(file).unwrap_or_default();
    let ends = ["(", "<", ";", " "];
    let named = |kind: &str| {
        ends.iter()
            .any(|end| text.contains(&format!("{kind} {name}{end}")))
    };
    named("fn") || named("struct")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Option<String> {
        match path {
            "a.rs" => Some("fn a_fact() {}\nstruct Page;".to_owned()),
            JOBS => Some("    Deploy,\n    Official {\n".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_proof_is_a_test_a_file_or_a_job() {
        for proof in [
            "a.rs::a_fact",
            "a.rs::Page",
            "a.rs",
            "cargo xtask deploy",
            "cargo xtask official",
        ] {
            assert!(exists(proof, read), "{proof}");
        }
        for proof in [
            "a.rs::a_fac",
            "b.rs::a_fact",
            "b.rs",
            "cargo xtask chant",
            "cargo xtask ",
        ] {
            assert!(!exists(proof, read), "{proof}");
        }
    }

    #[test]
    fn a_claim_without_a_proof_is_a_violation() {
        let document =
            "| claim | proof |\n|---|---|\n| one | `a.rs` |\n| two | none |\n| three | `b.rs` |\n";
        let violations = check_rows(document, |proof| proof == "a.rs");
        let rules: Vec<_> = violations
            .iter()
            .map(|violation| violation.rule.as_str())
            .collect();
        assert_eq!(rules, ["a claim without a proof", "there is no `b.rs`"]);
    }
}
