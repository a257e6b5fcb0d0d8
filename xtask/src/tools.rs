//! What the tests need besides cargo: Node 22, the official clients and the conformance suite.
//!
//! Everything stands below `<target>/tools` and is installed again only when its inputs in
//! `tests/clients` change. The Node that a machine has is only used to run `npm`; the npm package
//! `node` brings the one that the suite and the clients run on.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::run::{self, Result};
use crate::workspace::Workspace;

const NODE_VERSION: &str = "v22.23.3";
const NPM_INPUTS: [&str; 2] = ["package.json", "package-lock.json"];
const PYTHON_INPUTS: [&str; 1] = ["requirements.txt"];
const STAMP: &str = "stamp";

/// The installed tools.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The folder with `node_modules`.
    pub(crate) npm: PathBuf,
    python: PathBuf,
}

/// Installs what is missing or out of date; the second call does nothing.
pub(crate) fn install(workspace: &Workspace) -> Result<Tools> {
    let directory = workspace.target.join("tools");
    let tools = Tools {
        npm: directory.join("npm"),
        python: directory.join("python"),
    };
    let inputs = workspace.clients();
    keep_current(
        &tools.npm,
        &inputs,
        &NPM_INPUTS,
        || tools.install_npm(&inputs),
        || tools.check_node(),
    )?;
    keep_current(
        &tools.python,
        &inputs,
        &PYTHON_INPUTS,
        || install_python(&tools.python, &inputs),
        || tools.check_python(),
    )?;
    Ok(tools)
}

impl Tools {
    /// Node 22 running `script`; what the script starts as `node` is Node 22 as well.
    pub(crate) fn node(&self, script: &Path) -> Result<Command> {
        let mut command = Command::new(self.bin("node"));
        command.env("PATH", self.search_path()?).arg(script);
        Ok(command)
    }

    /// The conformance suite's command.
    pub(crate) fn conformance(&self) -> Result<Command> {
        self.node(&self.bin("conformance"))
    }

    /// Python with the `mcp` package, running `script`.
    pub(crate) fn python(&self, script: &Path) -> Command {
        let mut command = Command::new(self.python.join("bin/python"));
        command.arg(script);
        command
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.npm.join("node_modules/.bin").join(name)
    }

    fn search_path(&self) -> Result<OsString> {
        let mut places = vec![self.npm.join("node_modules/.bin")];
        if let Some(path) = env::var_os("PATH") {
            places.extend(env::split_paths(&path));
        }
        Ok(env::join_paths(places)?)
    }

    fn install_npm(&self, inputs: &Path) -> Result {
        for name in NPM_INPUTS {
            fs::copy(inputs.join(name), self.npm.join(name))?;
        }
        let options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        run::run(Command::new("npm").args(options).current_dir(&self.npm))
    }

    fn check_node(&self) -> Result {
        let version = run::output(Command::new(self.bin("node")).arg("--version"))?;
        if version.trim() != NODE_VERSION {
            return Err(format!(
                "Node {NODE_VERSION} is expected, {} is installed",
                version.trim()
            )
            .into());
        }
        Ok(())
    }

    fn check_python(&self) -> Result {
        let python = self.python.join("bin/python");
        run::output(Command::new(python).args(["-c", "import mcp"])).map(drop)
    }
}

/// Brings what checks deployment files; says where its programs are.
pub(crate) fn install_validators(workspace: &Workspace) -> Result<PathBuf> {
    let place = workspace.target.join("tools/validators");
    let inputs = workspace.root.join("tests/deploy");
    let programs = place.join("bin");
    keep_current(
        &place,
        &inputs,
        &PYTHON_INPUTS,
        || install_python(&place, &inputs),
        || {
            run::output(Command::new(programs.join("kubernetes-validate")).arg("--version"))
                .map(drop)
        },
    )?;
    Ok(programs)
}

/// An environment of its own with what a list names.
fn install_python(place: &Path, inputs: &Path) -> Result {
    run::run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let options = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "-r",
    ];
    run::run(
        Command::new(place.join("bin/python"))
            .args(options)
            .arg(inputs.join(PYTHON_INPUTS[0])),
    )
}

/// Installs into `place` unless its stamp says that it was made from the same inputs and it works.
fn keep_current(
    place: &Path,
    inputs: &Path,
    names: &[&str],
    install: impl FnOnce() -> Result,
    check: impl Fn() -> Result,
) -> Result {
    let wanted = fingerprint(inputs, names)?;
    let stamp = place.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && check().is_ok() {
        println!("{} is up to date", place.display());
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    fs::create_dir_all(place)?;
    install()?;
    check()?;
    fs::write(&stamp, wanted)?;
    Ok(())
}

fn fingerprint(inputs: &Path, names: &[&str]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for name in names {
        let path = inputs.join(name);
        let contents = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        (name, contents).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_installation_is_repeated_only_when_needed() {
        let folder = env::temp_dir().join(format!("xtask-tools-{}", std::process::id()));
        let (inputs, place) = (folder.join("in"), folder.join("out"));
        fs::create_dir_all(&inputs).unwrap();
        fs::write(inputs.join("list"), "one").unwrap();
        let (installed, works) = (Cell::new(0), Cell::new(true));
        let bring = || {
            let install = || {
                installed.set(installed.get() + 1);
                works.set(true);
                Ok(())
            };
            let check = || {
                if works.get() {
                    Ok(())
                } else {
                    Err("broken".into())
                }
            };
            keep_current(&place, &inputs, &["list"], install, check).unwrap();
            installed.get()
        };

        assert_eq!(bring(), 1);
        assert_eq!(bring(), 1, "the second time does nothing");
        fs::write(inputs.join("list"), "two").unwrap();
        assert_eq!(bring(), 2, "an input changed");
        works.set(false);
        assert_eq!(bring(), 3, "what does not work is replaced");
        fs::remove_dir_all(&folder).unwrap();
    }
}
