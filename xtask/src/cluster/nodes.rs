//! The instances.

use std::net::SocketAddr;

use crate::run::Result;
use crate::server::Server;
use crate::workspace::Workspace;

/// The instances of a cluster, which differ in their names and addresses only.
#[derive(Debug)]
pub(crate) struct Nodes {
    program: &'static str,
    arguments: Vec<String>,
    servers: Vec<Server>,
}

impl Nodes {
    /// Starts this many instances of an example.
    pub(crate) fn start(
        workspace: &Workspace,
        program: &'static str,
        arguments: Vec<String>,
        count: usize,
    ) -> Result<Self> {
        let mut nodes = Self {
            program,
            arguments,
            servers: Vec::new(),
        };
        for number in 1..=count {
            let server = nodes.launch(workspace, number, None)?;
            nodes.servers.push(server);
        }
        Ok(nodes)
    }

    /// What the instance at this place is called.
    pub(crate) fn name(at: usize) -> String {
        name(at + 1)
    }

    /// Where they listen, in order.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        self.servers.iter().map(address).collect()
    }

    /// The instances, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter()
    }

    /// The position of one that has ended by itself, if there is one.
    pub(crate) fn ended(&mut self) -> Option<usize> {
        self.servers
            .iter_mut()
            .position(|server| !server.is_running())
    }

    /// Drains and ends all of them; each must end with exit code 0.
    pub(crate) fn stop(self) -> Result {
        self.servers.into_iter().try_for_each(Server::stop)
    }

    /// Ends one without a word, as a crash does.
    pub(crate) fn kill(&mut self, at: usize) {
        if let Some(server) = self.servers.get_mut(at) {
            server.end();
        }
    }

    /// Drains and ends one, which must end with exit code 0.
    pub(crate) fn drain(&mut self, at: usize) -> Result {
        self.servers.get_mut(at).map_or(Ok(()), Server::drain)
    }

    /// Starts one that has ended again, at the same address.
    pub(crate) fn start_again(&mut self, workspace: &Workspace, at: usize) -> Result {
        let address = self.servers.get(at).map(address).transpose()?;
        let started = self.launch(workspace, at + 1, address)?;
        if let Some(server) = self.servers.get_mut(at) {
            *server = started;
        }
        Ok(())
    }

    fn launch(
        &self,
        workspace: &Workspace,
        number: usize,
        address: Option<SocketAddr>,
    ) -> Result<Server> {
        let instance = name(number);
        let mut arguments = self.arguments.clone();
        arguments.extend(["--instance".to_owned(), instance.clone()]);
        if let Some(address) = address {
            arguments.extend(["--listen".to_owned(), address.to_string()]);
        }
        // Several clusters may run at once.
        let name = format!("{}-{instance}-{}", self.program, std::process::id());
        Server::start(workspace, self.program, &name, &arguments)
    }
}

/// What the `number`th instance is called.
fn name(number: usize) -> String {
    format!("node{number}")
}

fn address(server: &Server) -> Result<SocketAddr> {
    let url = server.url.as_str();
    let host = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next());
    Ok(host.unwrap_or_default().parse()?)
}
