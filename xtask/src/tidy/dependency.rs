//! What `deny.toml` says about every crate that anything here is built from: its licence, its origin,
//! and that it is not one of the forbidden ones.
//!
//! `cargo deny check` reads the same file and knows more, the advisories above all; it fetches their
//! list, so it is a job of its own.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

use super::Violation;
use crate::run::{self, Result, cargo};

const RULES: &str = "deny.toml";
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// A crate that nobody may depend on, but the `wrappers`.
#[derive(Debug, Deserialize)]
struct Ban {
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Dependency>,
}

/// A crate that something here is built from.
#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` is a path.
    source: Option<String>,
    dependencies: Vec<Needed>,
}

#[derive(Debug, Deserialize)]
struct Needed {
    name: String,
}

pub(super) fn check(root: &Path) -> Result<Vec<Violation>> {
    let rules: Rules = toml::from_str(&fs::read_to_string(root.join(RULES))?)?;
    let command = "metadata --format-version 1 --all-features --locked";
    let text = run::output(cargo(command).current_dir(root))?;
    let metadata: Metadata = serde_json::from_str(&text)?;
    let broken = metadata.packages.iter().flat_map(|package| {
        let rules = broken(&rules, package).into_iter();
        rules.map(|rule| {
            let Dependency { name, version, .. } = package;
            Violation::of("Cargo.lock", format!("{name} {version}: {rule}"))
        })
    });
    Ok(broken.collect())
}

fn broken(rules: &Rules, package: &Dependency) -> Vec<String> {
    let mut broken = Vec::new();
    match package
        .license
        .as_deref()
        .map(|text| Expression::parse_mode(text, ParseMode::LAX))
    {
        None => broken.push("has no licence".to_owned()),
        Some(Err(error)) => broken.push(format!("its licence cannot be read: {error}")),
        Some(Ok(license)) => {
            if !license.evaluate(|needed| is_allowed(&rules.licenses, needed)) {
                broken.push(format!("{license} is not among the allowed licences"));
            }
        }
    }
    if package
        .source
        .as_deref()
        .is_some_and(|source| source != CRATES_IO)
    {
        broken.push("comes from somewhere else than crates.io".to_owned());
    }
    for ban in &rules.bans.deny {
        if ban.name == package.name && ban.wrappers.is_empty() {
            broken.push("is forbidden".to_owned());
        }
        // Which of their dependencies others use is for their features to say.
        let needs = || {
            package
                .dependencies
                .iter()
                .any(|needed| needed.name == ban.name)
        };
        let may = ban.wrappers.contains(&package.name);
        if package.source.is_none() && !may && needs() {
            broken.push(format!("depends on {}, which others wrap", ban.name));
        }
    }
    broken
}

fn is_allowed(rules: &Licenses, needed: &LicenseReq) -> bool {
    rules.allow.contains(&needed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let text = r#"
            [licenses]
            allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
            [bans]
            deny = [{ name = "openssl-sys" }, { name = "axum", wrappers = ["ours"] }]
        "#;
        toml::from_str(text).unwrap()
    }

    fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Vec<String> {
        let package = Dependency {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
            dependencies: Vec::new(),
        };
        broken(&rules(), &package)
    }

    #[test]
    fn only_its_wrappers_may_depend_on_a_wrapped_crate() {
        let needs_axum = |name: &str| Dependency {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: Some("MIT".to_owned()),
            source: None,
            dependencies: vec![Needed {
                name: "axum".to_owned(),
            }],
        };
        assert_eq!(broken(&rules(), &needs_axum("ours")).len(), 0);
        assert_eq!(broken(&rules(), &needs_axum("another")).len(), 1);
    }

    #[test]
    fn one_allowed_licence_of_several_is_enough_but_all_that_are_joined_are_needed() {
        for license in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(
                package("a", Some(license), Some(CRATES_IO)).len(),
                0,
                "{license}"
            );
        }
        for license in [
            Some("MIT AND GPL-3.0-only"),
            Some("Apache-2.0"),
            Some("mine"),
            None,
        ] {
            assert_eq!(
                package("a", license, Some(CRATES_IO)).len(),
                1,
                "{license:?}"
            );
        }
    }

    #[test]
    fn other_origins_and_forbidden_names_are_found() {
        assert_eq!(
            package("a", Some("MIT"), Some("git+https://example.com/a")).len(),
            1
        );
        assert_eq!(package("a", Some("MIT"), None).len(), 0);
        assert_eq!(
            package("openssl-sys", Some("MIT"), Some(CRATES_IO)).len(),
            1
        );
        assert_eq!(package("axum", Some("MIT"), Some(CRATES_IO)).len(), 0);
    }
}
