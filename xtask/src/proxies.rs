//! What passes through a proxy, and when: events at once, silence as long as it takes, the official
//! clients through a Unix socket.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients;
use crate::cluster::{Changes, Cluster, Kind, Options, Proxy};
use crate::deploy;
use crate::run::{self, Result, Steps};
use crate::server;
use crate::tools;
use crate::workspace::Workspace;

/// How late an event may arrive.
const LATE: Duration = Duration::from_millis(200);
const EVENTS: u32 = 10;
const EVERY: Duration = Duration::from_millis(100);

/// The limits on silence of the configurations, and what an instance does about it, as 60 s and 15 s are.
const LIMIT: u32 = 1;
const KEEP_ALIVE: [&str; 4] = ["--keep-alive-ms", "250", "--stream-after-ms", "250"];
/// Ten times the limit.
const SILENT: Duration = Duration::from_secs(10);
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Checks every proxy, all at the same time.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, kinds: &[Kind]) -> Result {
    steps.step("proxies", || {
        server::build()?;
        thread::scope(|scope| {
            let check = |kind: &Kind| {
                let kind = *kind;
                scope.spawn(move || {
                    check(workspace, kind).map_err(|error| format!("{}: {error}", kind.program()))
                })
            };
            let running: Vec<_> = kinds.iter().map(check).collect();
            let mut failures = String::new();
            for check in running {
                match check.join() {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => writeln!(failures, "{error}")?,
                    Err(_) => writeln!(failures, "a check panicked")?,
                }
            }
            if failures.is_empty() {
                Ok(())
            } else {
                Err(failures.into())
            }
        })
    })?;
    if !kinds.contains(&Kind::Nginx) {
        return Ok(());
    }
    steps.step("clients through nginx and a Unix socket", || {
        through_a_socket(workspace)
    })
}

/// The same for those proxies that are on this machine; says which are not.
pub(crate) fn installed(workspace: &Workspace, steps: &mut Steps) -> Result {
    let (here, missing): (Vec<_>, Vec<_>) = [Kind::Nginx, Kind::Haproxy, Kind::Caddy]
        .into_iter()
        .partition(|kind| kind.is_installed());
    for kind in missing {
        println!(
            "note: {} is not installed, so nothing is sent through it",
            kind.program()
        );
    }
    if here.is_empty() {
        return Ok(());
    }
    run(workspace, steps, &here)
}

fn check(workspace: &Workspace, kind: Kind) -> Result {
    let cluster = Cluster::start(
        workspace,
        &Options {
            program: "cluster-node",
            backend: "redis".to_owned(),
            proxy: Some(kind),
            nodes: 2,
            changes: Changes {
                silence: Some(LIMIT),
                ..Changes::default()
            },
            arguments: KEEP_ALIVE.map(str::to_owned).to_vec(),
        },
    )?;
    let proxy = cluster.proxy.as_ref().ok_or("there is no proxy")?;
    let latest = latest_event(proxy.address)?;
    println!("{}: no event was later than {latest:.0?}", kind.program());
    if latest > LATE {
        return Err(format!("an event was {latest:?} late").into());
    }
    let silent = silent_call(proxy.address)?;
    println!(
        "{}: a call that was silent for {silent:.1?} was answered, {LIMIT} s being the limit",
        kind.program()
    );
    cluster.stop()
}

/// How late the latest of some events was, that are sent at an even pace.
fn latest_event(address: SocketAddr) -> Result<Duration> {
    let every = u64::try_from(EVERY.as_millis())?;
    let arguments = format!(r#"{{"n":{EVENTS},"every_ms":{every}}}"#);
    let mut times = Vec::new();
    let began = run::now();
    read(call(address, "count", &arguments)?, |heard, now| {
        let arrived = heard.matches("notifications/progress").count();
        times.resize(arrived.max(times.len()), now);
    })?;
    if times.len() != EVENTS as usize {
        return Err(format!("{} events of {EVENTS} arrived", times.len()).into());
    }
    // The first was said at once, or after the first pause.
    let due = |number: u32| began + EVERY * number;
    let late = (0..)
        .zip(&times)
        .map(|(number, time)| time.saturating_duration_since(due(number)));
    Ok(late.max().unwrap_or_default().saturating_sub(EVERY))
}

/// Calls a tool that says nothing for long; how long it took.
fn silent_call(address: SocketAddr) -> Result<Duration> {
    let arguments = format!(r#"{{"ms":{}}}"#, SILENT.as_millis());
    let began = run::now();
    let heard = read(call(address, "sleep", &arguments)?, |_, _| {})?;
    let took = began.elapsed();
    if took < SILENT || !heard.contains(r#""resultType":"complete""#) {
        return Err(format!("a silent call ended after {took:?} with: {heard}").into());
    }
    Ok(took)
}

/// Sends a call without a session.
fn call(address: SocketAddr, tool: &str, arguments: &str) -> Result<TcpStream> {
    let meta = r#"{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{meta}}}}}"#
    );
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
    stream.write_all((head + &body).as_bytes())?;
    Ok(stream)
}

/// Reads to the end; tells what has been heard whenever there is more.
fn read(mut stream: TcpStream, mut told: impl FnMut(&str, Instant)) -> Result<String> {
    let (mut heard, mut buffer) = (String::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(heard),
            length => heard.push_str(&String::from_utf8_lossy(&buffer[..length])),
        }
        told(&heard, run::now());
    }
}

/// The official clients with a server that nginx reaches by a Unix socket.
fn through_a_socket(workspace: &Workspace) -> Result {
    let tools = tools::install(workspace)?;
    let directory = deploy::fresh(workspace, "socket")?;
    let socket = directory.join("server.sock");
    let log = fs::File::create(directory.join("log"))?;
    let mut server = Command::new(workspace.binary("quickstart"))
        .arg("--unix")
        .arg(&socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let seen = with_clients(workspace, &tools, &socket);
    deploy::end(&mut server)?;
    seen
}

fn with_clients(workspace: &Workspace, tools: &tools::Tools, socket: &Path) -> Result {
    deploy::wait_for(socket)?;
    let node = format!("unix:{}", socket.display());
    let proxy = Proxy::start(workspace, Kind::Nginx, &[node], &Changes::default())?;
    clients::against_notes(workspace, tools, &format!("http://{}/mcp", proxy.address))
}
