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
/// Tool, arguments, and what its answer must contain.
const FIXTURE_CALL: [&str; 3] = ["test_simple_text", "{}", "simple text"];
const QUICKSTART_CALL: [&str; 3] = ["search_notes", r#"{"query":"milk"}"#, "Groceries"];

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
            run_all(&mut [inspector(workspace, &tools, url, QUICKSTART_CALL)?])
        })
    })
}

fn against_fixture(workspace: &Workspace, tools: &Tools, url: &str) -> Result {
    let mut clients = [
        inspector(workspace, tools, url, FIXTURE_CALL)?,
        script(workspace, tools, "ts_sdk.mjs")?,
        script(workspace, tools, "ts_client.mjs")?,
        tools.python(&workspace.clients().join("python_client.py")),
    ];
    for client in &mut clients[1..] {
        client.arg(url);
    }
    run_all(&mut clients)
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

fn inspector(workspace: &Workspace, tools: &Tools, url: &str, call: [&str; 3]) -> Result<Command> {
    let mut command = script(workspace, tools, "inspector.mjs")?;
    command.arg(url).args(call);
    Ok(command)
}

/// A script in Node, copied beside `node_modules`, which is where Node looks for its imports.
fn script(workspace: &Workspace, tools: &Tools, name: &str) -> Result<Command> {
    for path in scripts(workspace)? {
        if let Some(name) = path.file_name() {
            fs::copy(&path, tools.npm.join(name))?;
        }
    }
    tools.node(&tools.npm.join(name))
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
