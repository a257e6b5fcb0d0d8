//! The official clients against the example servers.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::run::{self, Result, Steps};
use crate::server::{self, Server};
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(150);
/// Tool, arguments, and what its answer must contain.
const FIXTURE_CALL: [&str; 3] = ["test_simple_text", "{}", "simple text"];
const QUICKSTART_CALL: [&str; 3] = ["add", r#"{"a":2,"b":3}"#, "5"];

/// Runs every client; with a `url`, only against that conformance fixture.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, url: Option<&str>) -> Result {
    steps.step("clients", || {
        let tools = tools::install(workspace)?;
        if let Some(url) = url {
            return against_fixture(workspace, &tools, url);
        }
        server::build()?;
        let fixture = Server::start(workspace, "conformance-server")?;
        against_fixture(workspace, &tools, fixture.url())?;
        fixture.stop()?;

        let quickstart = Server::start(workspace, "quickstart")?;
        inspect(workspace, &tools, quickstart.url(), QUICKSTART_CALL)?;
        quickstart.stop()
    })
}

fn against_fixture(workspace: &Workspace, tools: &Tools, url: &str) -> Result {
    inspect(workspace, tools, url, FIXTURE_CALL)?;
    for name in ["ts_sdk.mjs", "ts_client.mjs"] {
        run_client(script(workspace, tools, name)?.arg(url))?;
    }
    run_client(
        tools
            .python(&workspace.clients().join("python_client.py"))
            .arg(url),
    )
}

fn inspect(workspace: &Workspace, tools: &Tools, url: &str, call: [&str; 3]) -> Result {
    run_client(
        script(workspace, tools, "inspector.mjs")?
            .arg(url)
            .args(call),
    )
}

fn run_client(command: &mut Command) -> Result {
    run::run_within(command, LIMIT)
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
