//! The official clients against the example servers.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::run::{self, Result, Steps};
use crate::server;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(150);

/// Runs every client; with a `url`, only against that conformance fixture.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, url: Option<&str>) -> Result {
    steps.step("clients", || {
        let tools = tools::install(workspace)?;
        if let Some(url) = url {
            return against_fixture(workspace, &tools, url);
        }
        server::build()?;
        server::with(workspace, "conformance-server", |url| {
            against_fixture(workspace, &tools, url)
        })?;
        server::with(workspace, "quickstart", |url| {
            against_notes(workspace, &tools, url)
        })?;
        over_standard_streams(workspace, &tools)
    })
}

fn against_fixture(workspace: &Workspace, tools: &Tools, url: &str) -> Result {
    run_all(&mut [
        script(workspace, tools, ("inspector.mjs", &[url, "fixture"]))?,
        script(workspace, tools, ("ts_sdk.mjs", &[url]))?,
        script(workspace, tools, ("ts_client.mjs", &[url]))?,
        python(workspace, tools, ("python_client.py", &[url])),
    ])
}

/// The quickstart's tool that asks its user, with clients of both eras.
pub(crate) fn against_notes(workspace: &Workspace, tools: &Tools, place: &str) -> Result {
    run_all(&mut [
        script(workspace, tools, ("inspector.mjs", &[place, "notes"]))?,
        script(workspace, tools, ("ts_notes.mjs", &[place]))?,
        python(workspace, tools, ("python_notes.py", &[place])),
    ])
}

/// The same, where each client starts the server itself.
fn over_standard_streams(workspace: &Workspace, tools: &Tools) -> Result {
    let binary = workspace.binary("quickstart");
    let command = binary.to_str().ok_or("the target directory is not UTF-8")?;
    against_notes(workspace, tools, command)?;
    let mut sdk = script(workspace, tools, ("ts_sdk_stdio.mjs", &[command]))?;
    run_all(std::slice::from_mut(&mut sdk))
}

/// Runs every client, also after one has failed.
fn run_all(clients: &mut [Command]) -> Result {
    let outcomes = clients
        .iter_mut()
        .map(|client| run::run_within(client, LIMIT));
    let failures: Vec<_> = outcomes
        .filter_map(Result::err)
        .map(|error| error.to_string())
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    Err(failures.join("\n").into())
}

/// A script in Python. What it compiles of the scripts that it imports is not kept.
fn python(workspace: &Workspace, tools: &Tools, (name, arguments): (&str, &[&str])) -> Command {
    let mut command = tools.python(&workspace.clients().join(name));
    command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A script in Node, copied beside `node_modules`, which is where Node looks for its imports.
fn script(
    workspace: &Workspace,
    tools: &Tools,
    (name, arguments): (&str, &[&str]),
) -> Result<Command> {
    for path in scripts(workspace)? {
        if let Some(name) = path.file_name() {
            fs::copy(&path, tools.npm.join(name))?;
        }
    }
    let mut command = tools.node(&tools.npm.join(name))?;
    command.args(arguments);
    Ok(command)
}

fn scripts(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(workspace.clients())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("mjs")) {
            found.push(path);
        }
    }
    Ok(found)
}
