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

/// `path/to/file.rs::name` is a test in a file, `cargo xtask job` is a job, anything else
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
    let mut parts = file.rsplitn(2, '/');
    let listed = parts
        .nth(1)
        .and_then(|folder| read(&format!("{folder}/main.rs")))
        .unwrap_or_default();
    proves(&text, name, &listed)
}

/// Whether a test of this name runs: it has the attribute of one, or stands in the list of cases that is
/// made into tests. A `struct` is the documentation that is tested as such.
fn proves(text: &str, name: &str, listed: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let begins = |line: &str, kind: &str| {
        let rest = line.split_once(kind).map(|(_, rest)| rest);
        let rest = rest.and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(['(', '<', ';', ' ']))
    };
    if lines.iter().any(|line| begins(line, "struct ")) {
        return true;
    }
    let Some(at) = lines.iter().position(|line| begins(line, "fn ")) else {
        return false;
    };
    // Tests that do not run are violations by themselves.
    let above = lines[..at].iter().rev();
    let mut above = above.take_while(|line| !line.is_empty() && **line != "}");
    let is_test =
        above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
    let is_listed = listed.split(|c: char| !c.is_alphanumeric() && c != '_');
    is_test || is_listed.into_iter().any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Option<String> {
        match path {
            "a.rs" => Some(
                "#[test]\nfn a_fact() {}\n\nfn a_helper() {}\n\n\
                 struct Page;"
                    .to_owned(),
            ),
            "cases/b.rs" => Some("pub(crate) async fn a_case() {}\n\nfn part() {}".to_owned()),
            "cases/main.rs" => Some("cases!(b::a_case);".to_owned()),
            JOBS => Some("    Deploy,\n    Official {\n".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_proof_is_a_test_a_file_or_a_job() {
        for proof in [
            "a.rs::a_fact",
            "a.rs::Page",
            "cases/b.rs::a_case",
            "a.rs",
            "cargo xtask deploy",
            "cargo xtask official",
        ] {
            assert!(exists(proof, read), "{proof}");
        }
        for proof in [
            "a.rs::a_fac",
            "a.rs::a_helper",
            "cases/b.rs::part",
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
