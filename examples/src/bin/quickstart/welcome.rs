//! What the server says on stdout when it starts: how to reach it.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Prints the URL, a client's configuration, and a command to try.
pub(crate) fn print(address: SocketAddr) {
    // A server does not depend on somebody reading this.
    io::stdout().write_all(text(address).as_bytes()).ok();
}

fn text(address: SocketAddr) -> String {
    let url = format!("http://{}/mcp", reachable(address));
    format!(
        r#"A notes server, in memory, at {url}

Configuration for a client:

{{
  "mcpServers": {{
    "notes": {{ "type": "http", "url": "{url}" }}
  }}
}}

The first request of a session, by hand:

curl -i {url} \
  -H 'Content-Type: application/json' \
  -H 'Accept: application/json, text/event-stream' \
  -d '{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"curl","version":"1"}}}}}}'

"#
    )
}

/// Whoever listens on every address is reached on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_for(address: &str) -> String {
        text(address.parse().unwrap())
    }

    #[test]
    fn the_readme_shows_what_is_printed_at_the_default_address() {
        let readme = include_str!("../../../../README.md");
        let text = text_for("127.0.0.1:3000");
        assert!(readme.contains(text.trim_end()), "README.md lacks:\n{text}");
    }

    #[test]
    fn every_address_is_shown_as_one_that_can_be_reached() {
        assert!(text_for("0.0.0.0:80").contains("http://127.0.0.1:80/mcp"));
        assert!(text_for("[::]:80").contains("http://[::1]:80/mcp"));
        assert!(text_for("10.0.0.1:80").contains("http://10.0.0.1:80/mcp"));
    }
}
