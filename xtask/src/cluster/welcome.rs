//! What the person at the terminal can try.

use std::fmt::Write as _;

use crate::cluster::job::{Cluster, Options};

/// What runs where, and commands to copy.
pub(crate) fn text(cluster: &Cluster, options: &Options) -> String {
    let url = cluster.url();
    let mut text = String::from("\n");
    for (at, node) in cluster.nodes.iter().enumerate() {
        let (number, pid) = (at + 1, node.pid());
        writeln!(text, "node{number}    {}    process {pid}", node.url).ok();
    }
    writeln!(text, "backend  {}", cluster.backend.describe()).ok();
    if let Some(kind) = options.proxy {
        writeln!(text, "proxy    {url}    {}", kind.program()).ok();
    }
    text + &commands(&url)
}

fn commands(url: &str) -> String {
    TRY.replace("URL", url)
}

const TRY: &str = r#"
Without a session, every call on another instance:

for i in 1 2 3; do curl -s URL \
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
  -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: whoami' \
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","_meta":{
      "io.modelcontextprotocol/protocolVersion":"2026-07-28",
      "io.modelcontextprotocol/clientInfo":{"name":"curl","version":"1"},
      "io.modelcontextprotocol/clientCapabilities":{}}}}'; echo; done

A session, begun on one instance and used on all of them:

session=$(curl -si URL \
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
  -d '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",
      "capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}' \
  | tr -d '\r' | sed -n 's/^mcp-session-id: //Ip')
call() { curl -sN URL -H "Mcp-Session-Id: $session" -H 'MCP-Protocol-Version: 2025-11-25' \
  -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
  -d '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"'"$1"'","arguments":'"$2"',
      "_meta":{"progressToken":"p"}}}'; echo; }
call remember '{"key":"colour","value":"blue"}'
call whoami '{}'
call recall '{"key":"colour"}'
call count '{"n":3,"every_ms":500}'

What the session's stream says, on another terminal and another instance than who says it:

curl -sN URL -H "Mcp-Session-Id: $session" -H 'MCP-Protocol-Version: 2025-11-25' \
  -H 'Accept: text/event-stream'
call grow '{"name":"new-tool"}'

The Inspector:

npx @modelcontextprotocol/inspector --cli --transport http --server-url URL --method tools/list

Ctrl-C ends all of it.
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_in_every_command() {
        let text = commands("http://127.0.0.1:1/mcp");
        assert!(!text.contains("URL"), "{text}");
        assert_eq!(text.matches("http://127.0.0.1:1/mcp").count(), 5);
    }
}
