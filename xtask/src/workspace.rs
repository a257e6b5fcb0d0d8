//! What `cargo metadata` says about this workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::run::{self, Result};

#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    /// `None` is every registry, an empty list is none.
    publish: Option<Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` is a normal dependency; else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that this tool was built from.
    pub(crate) fn load() -> Result<Self> {
        let mut command = run::cargo("metadata --no-deps --format-version 1");
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        Ok(serde_json::from_str(&run::output(&mut command)?)?)
    }

    /// The crates that people get.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.is_published())
    }

    /// The scripts that drive the official clients, and their locked dependencies.
    pub(crate) fn clients(&self) -> PathBuf {
        self.root.join("tests/clients")
    }

    /// Where a debug build puts the binary `name`.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish
            .as_ref()
            .is_none_or(|registries| !registries.is_empty())
    }

    pub(crate) fn directory(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpublished_crates_are_told_apart() {
        let text = r#"{"workspace_root": "/w", "target_directory": "/t", "packages": [
            {"name": "a", "version": "0.1.0", "manifest_path": "/w/a/Cargo.toml", "publish": null, "dependencies": [], "features": {}},
            {"name": "b", "version": "0.1.0", "manifest_path": "/w/b/Cargo.toml", "publish": [], "dependencies": [], "features": {}}
        ]}"#;
        let workspace: Workspace = serde_json::from_str(text).unwrap();
        let published: Vec<_> = workspace
            .published()
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(published, ["a"]);
        assert_eq!(workspace.packages[0].directory(), Path::new("/w/a"));
    }

    #[test]
    fn this_workspace_is_read() {
        let workspace = Workspace::load().unwrap();
        assert!(
            workspace
                .published()
                .any(|package| package.name == "mcp-core")
        );
        assert!(
            workspace
                .packages
                .iter()
                .any(|package| package.name == "xtask" && !package.is_published())
        );
    }
}
