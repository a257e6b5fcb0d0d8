//! Rules for every text file: how long, and what must not stand in it.

use crate::tidy::{TextFile, Violation, is_rust};

const MOST_LINES: usize = 500;

/// Folders of a developer's machine.
const MACHINE_PATHS: [&str; 2] = [concat!("/", "work/"), concat!("/", "tmp/bash_jobs")];

/// Where packages come from is each machine's own setting.
const REGISTRY_HOSTS: [&str; 10] = [
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("yarnpkg", ".com"),
    concat!("://", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
];

pub(super) fn check(file: &TextFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    let lines = file.text.lines().count();
    if is_rust(&file.path) && lines > MOST_LINES {
        violations.push(Violation::of(
            &file.path,
            format!("{lines} lines, the most is {MOST_LINES}"),
        ));
    }
    for (at, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS
            .into_iter()
            .filter(|path| names_folder(line, path))
        {
            violations.push(Violation::at(
                &file.path,
                at + 1,
                format!("names the machine's folder {path}"),
            ));
        }
        for host in REGISTRY_HOSTS
            .into_iter()
            .filter(|host| line.contains(host))
        {
            violations.push(Violation::at(
                &file.path,
                at + 1,
                format!("names the registry host {host}"),
            ));
        }
    }
    violations
}

/// Whether the absolute path stands in the line, and not as the end of a longer one.
fn names_folder(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| {
            !(before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | '}' | '*'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<String> {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rust_file_may_have_500_lines() {
        assert!(check_text("a.rs", &"\n".repeat(500)).is_empty());
        assert_eq!(
            check_text("a.rs", &"\n".repeat(501)),
            ["a.rs: 501 lines, the most is 500"]
        );
        assert!(check_text("a.md", &"\n".repeat(501)).is_empty());
    }

    #[test]
    fn a_machine_path_is_found() {
        let text = format!("fine\ncd {}", concat!("/", "work/main"));
        assert_eq!(
            check_text("a.md", &text),
            [concat!("a.md:2: names the machine's folder /", "work/")]
        );
        assert!(check_text("a.md", concat!("frame", "work/x and net/", "work/x")).is_empty());
    }

    #[test]
    fn a_registry_host_is_found() {
        let text = concat!("see https://registry.npmjs", ".org/x");
        assert_eq!(
            check_text("a.json", text),
            [concat!("a.json:1: names the registry host npmjs", ".org")]
        );
        let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert!(check_text("Cargo.lock", lock).is_empty());
    }
}
