//! Other toolkits, each with a server of the same tools: crates outside the workspace, built here.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use mcp_core::BoxError;

use crate::subject::{Kind, Subject};

/// Where they stand.
const RIVALS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals");

/// Builds them, and says what they are.
pub(crate) fn build() -> Result<Vec<Subject>, BoxError> {
    let rmcp = program("rmcp")?;
    let tower = program("tower-mcp")?;
    Ok(vec![
        Subject {
            name: "rmcp, sessions",
            program: rmcp.clone(),
            arguments: Vec::new(),
            kind: Kind::Rival,
        },
        Subject {
            name: "rmcp, JSON",
            program: rmcp,
            arguments: vec!["--json".to_owned()],
            kind: Kind::RivalWithoutSessions,
        },
        Subject {
            name: "tower-mcp",
            program: tower,
            arguments: Vec::new(),
            kind: Kind::Rival,
        },
    ])
}

/// Builds one with the versions of its lock file, below the target directory of this program.
fn program(name: &str) -> Result<PathBuf, BoxError> {
    let target = target()?.join("rivals");
    let manifest = Path::new(RIVALS).join(name).join("Cargo.toml");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target);
    if !cargo.status()?.success() {
        return Err(format!("{name} could not be built").into());
    }
    Ok(target.join("release").join(format!("rival-{name}")))
}

/// The target directory that this program was built into.
pub(crate) fn target() -> Result<PathBuf, BoxError> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent);
    Ok(folder.ok_or("no target directory")?.to_owned())
}
