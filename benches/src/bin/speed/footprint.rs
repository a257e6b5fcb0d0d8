//! What a program weighs: its file, the crates in it, and the time to build it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mcp_core::BoxError;

use crate::{
    rivals::target,
    table::{Table, row},
};

/// What is weighed, and the file that it is built into: a first server of ours, and the rivals'.
const PACKAGES: [(&str, &str); 3] = [
    ("hello", "hello"),
    ("rivals/rmcp", "rival-rmcp"),
    ("rivals/tower-mcp", "rival-tower-mcp"),
];

/// Builds each from nothing, and prints the table.
pub(crate) fn run(rivals: bool) -> Result<(), BoxError> {
    let columns = [
        "program",
        "crates",
        "stripped MiB",
        "clean release build, CPU s",
    ];
    let table = Table::new(&columns);
    table.head();
    let most = if rivals { PACKAGES.len() } else { 1 };
    for (folder, file) in PACKAGES.into_iter().take(most) {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(folder)
            .join("Cargo.toml");
        let (bytes, seconds) = build(&manifest, file)?;
        table.row(row![
            file,
            crates(&manifest)?,
            format!("{:.1}", f64::from(u32::try_from(bytes >> 10)?) / 1024.0),
            format!("{seconds:.0}"),
        ]);
    }
    Ok(())
}

fn cargo(command: &str, manifest: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args([command, "--locked", "--quiet", "--manifest-path"])
        .arg(manifest);
    cargo
}

/// The bytes of the stripped program, and the seconds of CPU that its build took.
fn build(manifest: &Path, file: &str) -> Result<(u64, f64), BoxError> {
    let target = target()?.join("footprint");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let before = children()?;
    let built = cargo("build", manifest)
        .args(["--release", "--target-dir"])
        .arg(&target)
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        .status()?;
    if !built.success() {
        return Err(format!("{file} could not be built").into());
    }
    let seconds = children()? - before;
    let program: PathBuf = target.join("release").join(file);
    Ok((fs::metadata(program)?.len(), seconds))
}

/// The crates that a program is made of, itself included.
fn crates(manifest: &Path) -> Result<usize, BoxError> {
    let listed = cargo("tree", manifest)
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()?;
    let text = String::from_utf8(listed.stdout)?;
    let crates: BTreeSet<_> = text
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line))
        .collect();
    Ok(crates.len())
}

/// The seconds of CPU of the processes that this one has waited for.
fn children() -> Result<f64, BoxError> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(") ").ok_or("no name in stat")?;
    let fields: Vec<_> = fields.split(' ').collect();
    // `cutime` and `cstime` are the 16th and 17th of all, in hundredths.
    let ticks = fields[13].parse::<f64>()? + fields[14].parse::<f64>()?;
    Ok(ticks / 100.0)
}
