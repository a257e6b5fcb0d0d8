//! The files in `deploy/`: whether those who would read them take them.
//!
//! What proxies make of theirs is seen when they run, by the jobs that start one.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::run::{self, Result, Steps, cargo};
use crate::tools;
use crate::workspace::Workspace;

const MANIFESTS: &str = "deploy/kubernetes/mcp-server.yaml";
const COMPOSE: &str = "deploy/compose/compose.yaml";
const UNITS: [&str; 3] = ["mcp-server.service", "mcp-unix.service", "mcp-unix.socket"];
/// The program in the units, which is not on this machine.
const PROGRAM: &str = "/usr/local/bin/mcp-server";
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Everything: also what takes systemd.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result {
    manifests(workspace, steps)?;
    steps.step("units", || units(workspace))?;
    steps.step("activation", || activation(workspace))
}

/// Checks the manifests for Kubernetes and for Compose against their schemas.
pub(crate) fn manifests(workspace: &Workspace, steps: &mut Steps) -> Result {
    steps.step("manifests", || {
        let python = tools::install_validators(workspace)?;
        let root = &workspace.root;
        let mut kubernetes = Command::new(python.join("kubernetes-validate"));
        kubernetes.args(["--strict", MANIFESTS]).current_dir(root);
        run::run(&mut kubernetes)?;
        let mut compose = Command::new(python.join("check-jsonschema"));
        compose.args(["--builtin-schema", "vendor.compose-spec", COMPOSE]);
        run::run(compose.current_dir(root))
    })
}

/// Has systemd verify the units, with a program that is here.
fn units(workspace: &Workspace) -> Result {
    let directory = fresh(workspace, "units")?;
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for unit in UNITS {
        let text = fs::read_to_string(workspace.root.join("deploy/systemd").join(unit))?;
        let here = directory.join(unit);
        fs::write(&here, text.replace(PROGRAM, "/bin/true"))?;
        verify.arg(here);
    }
    run::run(&mut verify)
}

/// Starts a server as systemd does, with the flags of its unit: by the first connection to a socket.
fn activation(workspace: &Workspace) -> Result {
    run::run(&mut cargo("build --package mcp-examples --bin quickstart"))?;
    let directory = fresh(workspace, "activation")?;
    let socket = directory.join("server.sock");
    let unit = fs::read_to_string(workspace.root.join("deploy/systemd/mcp-unix.service"))?;
    let flags = exec_start(&unit).ok_or("the unit starts nothing")?;
    let mut activate = Command::new("systemd-socket-activate");
    activate
        .arg("--listen")
        .arg(&socket)
        .arg(workspace.target.join("debug/quickstart"))
        .args(flags)
        .stdout(Stdio::null());
    let mut server = activate.spawn()?;
    let answered = wait_for(&socket).and_then(|()| ask_for_health(&socket));
    end(&mut server)?;
    answered
}

/// The flags in the line that starts the program.
fn exec_start(unit: &str) -> Option<impl Iterator<Item = &str>> {
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))?;
    Some(line.split(' ').skip(1))
}

fn ask_for_health(socket: &Path) -> Result {
    let mut ask = Command::new("curl");
    ask.args(["--silent", "--show-error", "--fail", "--max-time", "10"]);
    ask.arg("--unix-socket").arg(socket);
    let answer = run::output(ask.arg("http://localhost/health"))?;
    println!("{}", answer.trim());
    Ok(())
}

pub(crate) fn wait_for(socket: &Path) -> Result {
    let began = run::now();
    while !socket.exists() {
        if began.elapsed() > READY_WITHIN {
            return Err(format!("{} does not appear", socket.display()).into());
        }
        std::thread::yield_now();
    }
    UnixStream::connect(socket).map(drop).map_err(Into::into)
}

pub(crate) fn end(server: &mut Child) -> Result {
    let pid = server.id().to_string();
    run::run(Command::new("kill").args(["-TERM", &pid]))?;
    let ended = run::wait_within(server, READY_WITHIN)?;
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("the server ended with {status}").into()),
        None => Err("the server did not end".into()),
    }
}

pub(crate) fn fresh(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let directory = workspace.target.join("deploy").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server takes to drain: `linger` of the HTTP transport and `drain_timeout` of core.
    const DRAIN: u64 = 1 + 30;
    /// How much longer it must be given, at the least.
    const MARGIN: u64 = 5;

    fn file(path: &str) -> String {
        fs::read_to_string(Workspace::load().unwrap().root.join(path)).unwrap()
    }

    /// The number behind `name`.
    fn number(text: &str, name: &str) -> u64 {
        let at = text.find(name).unwrap_or_else(|| panic!("no `{name}`"));
        let digits = text[at + name.len()..].chars();
        let digits: String = digits.take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }

    #[test]
    fn whoever_ends_a_server_gives_it_the_time_to_drain() {
        let kubernetes = file(MANIFESTS);
        let before = number(&kubernetes, "--pre-stop-ms=") / 1000;
        let given = number(&kubernetes, "terminationGracePeriodSeconds: ");
        assert!(given >= before + DRAIN + MARGIN);
        let compose = file(COMPOSE);
        let before = number(&compose, "--pre-stop-ms=") / 1000;
        assert!(number(&compose, "stop_grace_period: ") >= before + DRAIN + MARGIN);
        for unit in ["mcp-server.service", "mcp-unix.service"] {
            let unit = file(&format!("deploy/systemd/{unit}"));
            assert!(number(&unit, "TimeoutStopSec=") >= DRAIN + MARGIN);
        }
    }

    #[test]
    fn an_instance_leaves_the_endpoints_before_it_stops_listening() {
        let kubernetes = file(MANIFESTS);
        let readiness = &kubernetes[kubernetes.find("readinessProbe:").unwrap()..];
        let noticed =
            number(readiness, "periodSeconds: ") * number(readiness, "failureThreshold: ");
        assert!(number(&kubernetes, "--pre-stop-ms=") / 1000 > noticed);
        let looked = number(&file("deploy/caddy/Caddyfile"), "health_interval ");
        assert!(number(&file(COMPOSE), "--pre-stop-ms=") / 1000 > looked);
    }

    #[test]
    fn the_flags_of_a_unit_are_those_behind_the_program() {
        let flags = exec_start("[Service]\nExecStart=/bin/x --unix /run/s\n").unwrap();
        assert_eq!(flags.collect::<Vec<_>>(), ["--unix", "/run/s"]);
        assert!(exec_start("[Service]\n").is_none());
    }
}
