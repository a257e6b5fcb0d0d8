//! ARCHITECTURE.md must be true: the files that it names exist.

use std::fs;
use std::path::Path;

use crate::tidy::Violation;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// The heading of the chain that shows how a message travels through the files.
const CHAIN: &str = "way of a message";
const EXTENSIONS: [&str; 5] = [".rs", ".toml", ".md", ".lua", ".sql"];

pub(super) fn check(root: &Path) -> Vec<Violation> {
    match fs::read_to_string(root.join(DOCUMENT)) {
        Ok(text) => check_text(&text, |path| root.join(path).exists()),
        Err(error) => vec![Violation::of(DOCUMENT, error.to_string())],
    }
}

fn check_text(text: &str, exists: impl Fn(&str) -> bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut in_chain = false;
    let mut named_in_chain = 0;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            in_chain = line.to_lowercase().contains(CHAIN);
        }
        for path in paths(line) {
            named_in_chain += usize::from(in_chain);
            if !exists(&path) {
                violations.push(Violation::at(
                    DOCUMENT,
                    at + 1,
                    format!("`{path}` does not exist"),
                ));
            }
        }
    }
    if named_in_chain == 0 {
        violations.push(Violation::of(
            DOCUMENT,
            format!("no file is named under a heading with \"{CHAIN}\""),
        ));
    }
    violations
}

/// The paths in backticks; `a/{b,c}.rs` stands for two.
fn paths(line: &str) -> Vec<String> {
    let quoted = line.split('`').skip(1).step_by(2);
    let alternatives = quoted.flat_map(expand);
    alternatives.filter(|text| is_path(text)).collect()
}

fn is_path(text: &str) -> bool {
    let clean = !text.contains(|c: char| c.is_whitespace() || "*<>{}():".contains(c));
    clean && text.contains('/') && EXTENSIONS.iter().any(|extension| text.ends_with(extension))
}

fn expand(text: &str) -> Vec<String> {
    if let Some((before, rest)) = text.split_once('{')
        && let Some((choices, after)) = rest.split_once('}')
    {
        return choices
            .split(',')
            .map(|choice| format!("{before}{}{after}", choice.trim()))
            .collect();
    }
    vec![text.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_looks_like_a_file_in_backticks() {
        let line =
            "`mcp-core/src/{a,b}.rs` → `x/y.md`, not `McpRouter`, `a::b`, `src/*.rs` or plain/c.rs";
        assert_eq!(
            paths(line),
            ["mcp-core/src/a.rs", "mcp-core/src/b.rs", "x/y.md"]
        );
    }

    #[test]
    fn a_missing_file_is_reported_with_its_line() {
        let text = "# The way of a message\n\n`a/b.rs` → `a/c.rs`\n";
        let found = check_text(text, |path| path == "a/b.rs");
        assert_eq!(
            found,
            [Violation::at(DOCUMENT, 3, "`a/c.rs` does not exist")]
        );
    }

    #[test]
    fn the_chain_must_be_there() {
        let found = check_text("# Other\n`a/b.rs`\n", |_| true);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("no file is named"));
    }
}
