//! Rules for each published crate: its files, its features, what it may depend on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::tidy::Violation;
use crate::workspace::{Package, Workspace};

const FILES: [&str; 2] = ["README.md", "CHANGELOG.md"];
const CORE: &str = "mcp-core";
/// Who may depend on another crate of ours than the core.
const FURTHER: [(&str, &str); 1] = [("mcp-transport-unix", "mcp-transport-http")];

pub(super) fn check(workspace: &Workspace, package: &Package, directory: &str) -> Vec<Violation> {
    let root = &workspace.root;
    let mut violations = files(root, directory);
    let manifest = format!("{directory}/Cargo.toml");
    if !inherits_lints(&read(root, &manifest)) {
        violations.push(Violation::of(
            &manifest,
            "needs `[lints]` with `workspace = true`",
        ));
    }
    let ours: Vec<_> = workspace
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    for name in wrong_dependencies(package, &ours) {
        violations.push(Violation::of(
            &manifest,
            format!("must not depend on {name}"),
        ));
    }
    let features: BTreeSet<_> = package
        .features
        .keys()
        .filter(|name| *name != "default")
        .cloned()
        .collect();
    let library = format!("{directory}/src/lib.rs");
    violations.extend(compare_features(
        &library,
        &features,
        &documented_features(&read(root, &library)),
    ));
    violations
}

fn read(root: &Path, path: &str) -> String {
    // A file that is missing fails the rule that looks into it.
    fs::read_to_string(root.join(path)).unwrap_or_default()
}

fn files(root: &Path, directory: &str) -> Vec<Violation> {
    let paths = FILES.iter().map(|name| format!("{directory}/{name}"));
    let missing = paths.filter(|path| !root.join(path).exists());
    missing
        .map(|path| Violation::of(path, "does not exist"))
        .collect()
}

fn inherits_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(str::trim);
    let section = lines.skip_while(|line| *line != "[lints]").skip(1);
    let mut keys = section.take_while(|line| !line.starts_with('['));
    keys.any(|line| line.split_whitespace().collect::<String>() == "workspace=true")
}

/// The crates of ours that `package` names and must not.
fn wrong_dependencies<'a>(package: &'a Package, ours: &[&str]) -> Vec<&'a str> {
    let is_allowed = |name: &str, for_tests: bool| {
        if package.name == CORE {
            return false;
        }
        for_tests || name == CORE || FURTHER.contains(&(package.name.as_str(), name))
    };
    let named = package
        .dependencies
        .iter()
        .filter(|dependency| ours.contains(&dependency.name.as_str()));
    let wrong = named.filter(|dependency| {
        !is_allowed(&dependency.name, dependency.kind.as_deref() == Some("dev"))
    });
    wrong.map(|dependency| dependency.name.as_str()).collect()
}

/// The names in the first column of the table under "Feature flags" in a crate's documentation.
fn documented_features(library: &str) -> BTreeSet<String> {
    let documentation = library
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(str::trim);
    let is_heading = |line: &str| line.starts_with('#');
    let section = documentation
        .skip_while(|line| !(is_heading(line) && line.contains("Feature flags")))
        .skip(1);
    let rows = section
        .take_while(|line| !is_heading(line))
        .filter(|line| line.starts_with('|'));
    let first_columns = rows.filter_map(|row| row.split('|').nth(1));
    let names = first_columns.filter_map(|column| column.split('`').nth(1));
    names
        .filter(|name| *name != "default")
        .map(str::to_owned)
        .collect()
}

fn compare_features(
    library: &str,
    declared: &BTreeSet<String>,
    documented: &BTreeSet<String>,
) -> Vec<Violation> {
    let missing = declared
        .difference(documented)
        .map(|name| format!("the feature table lacks `{name}`"));
    let extra = documented
        .difference(declared)
        .map(|name| format!("the feature table names `{name}`, no feature"));
    missing
        .chain(extra)
        .map(|rule| Violation::of(library, rule))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &str) -> Package {
        let text = format!(
            r#"{{"name": "{name}", "version": "0.1.0", "manifest_path": "/w/a/Cargo.toml", "publish": null,
                "dependencies": [{dependencies}], "features": {{}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn lints_are_inherited_in_their_section_only() {
        assert!(inherits_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints(
            "[package]\nworkspace = true\n\n[lints]\n\n[features]\n"
        ));
        assert!(!inherits_lints("[package]\n"));
    }

    #[test]
    fn dependencies_point_at_the_core_only() {
        let ours = [
            "mcp-core",
            "mcp-transport-http",
            "mcp-transport-unix",
            "mcp-testkit",
        ];
        let normal = |name: &str| format!(r#"{{"name": "{name}", "kind": null}}"#);
        let dev = |name: &str| format!(r#"{{"name": "{name}", "kind": "dev"}}"#);

        let wrong = |package: &Package| wrong_dependencies(package, &ours).join(" ");
        assert_eq!(wrong(&package("mcp-core", &normal("serde"))), "");
        assert_eq!(
            wrong(&package("mcp-core", &dev("mcp-testkit"))),
            "mcp-testkit"
        );
        assert_eq!(
            wrong(&package(
                "mcp-transport-unix",
                &normal("mcp-transport-http")
            )),
            ""
        );
        assert_eq!(
            wrong(&package("mcp-store-redis", &normal("mcp-transport-http"))),
            "mcp-transport-http"
        );
        assert_eq!(
            wrong(&package(
                "mcp-store-redis",
                &[normal("mcp-core"), dev("mcp-testkit")].join(",")
            )),
            ""
        );
    }

    #[test]
    fn the_feature_table_is_read_from_the_documentation() {
        let text = "//! A crate.\n//!\n//! # Feature flags\n//!\n//! | name | adds |\n//! |---|---|\n\
                    //! | `tls` | TLS, with `rustls` |\n//! | `default` | nothing |\n//!\n//! # Map\n//! | `x` | |\n";
        assert_eq!(documented_features(text), set(&["tls"]));
        assert_eq!(
            documented_features("//! A crate without features.\n"),
            set(&[])
        );
    }

    #[test]
    fn both_lists_of_features_must_agree() {
        assert!(compare_features("a/src/lib.rs", &set(&["a"]), &set(&["a"])).is_empty());
        let found = compare_features("a/src/lib.rs", &set(&["a"]), &set(&["b"]));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "a/src/lib.rs: the feature table lacks `a`",
                "a/src/lib.rs: the feature table names `b`, no feature"
            ]
        );
    }
}
