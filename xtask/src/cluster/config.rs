//! The configurations in `deploy/`, with the addresses of a run in them.
//!
//! Users get these files as they are. What differs in a run is found by what stands in every one of
//! them: the address that the proxy listens on, one line for each instance, `60s` for each limit on
//! silence, and `#affinity` before lines that are off.

use std::fmt::Write as _;

use crate::run::Result;

const LISTEN: &str = ":8080";
const NODES: [&str; 3] = ["127.0.0.1:3001", "127.0.0.1:3002", "127.0.0.1:3003"];
const SILENCE: &str = " 60s";
const AFFINITY: &str = "#affinity ";

/// What a run changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Whether lines that begin with `#affinity` take effect.
    pub(crate) affinity: bool,
    /// Another limit on silence, in seconds.
    pub(crate) silence: Option<u32>,
}

/// Fills in a configuration; an error says what was not found in it.
pub(crate) fn fill(text: &str, port: u16, nodes: &[String], changes: &Changes) -> Result<String> {
    let mut filled = String::new();
    for line in text.lines() {
        if line.contains(NODES[0]) {
            for (at, node) in nodes.iter().enumerate() {
                let own = line.replace(NODES[0], node);
                writeln!(
                    filled,
                    "{}",
                    own.replace("node1", &format!("node{}", at + 1))
                )?;
            }
        } else if !NODES.iter().any(|node| line.contains(node)) {
            writeln!(filled, "{line}")?;
        }
    }
    expect(text, LISTEN, 1)?;
    for node in NODES {
        expect(text, node, 1)?;
    }
    filled = filled.replace(LISTEN, &format!(":{port}"));
    if changes.affinity {
        filled = switch_on(&filled)?;
    }
    if let Some(seconds) = changes.silence {
        expect(text, SILENCE, 2)?;
        filled = filled.replace(SILENCE, &format!(" {seconds}s"));
    }
    Ok(filled)
}

fn switch_on(text: &str) -> Result<String> {
    expect(text, AFFINITY, 1)?;
    Ok(text.replace(AFFINITY, ""))
}

/// A file that lost what a run needs would be used unchanged, and the run would prove nothing.
fn expect(text: &str, what: &str, least: usize) -> Result {
    let lines = text.lines().map(str::trim_start);
    let active = lines.filter(|line| !line.starts_with("# "));
    let found = active.filter(|line| line.contains(what)).count();
    if found < least {
        return Err(format!("the configuration has {found} lines with `{}`", what.trim()).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# like `#affinity`\nbind 127.0.0.1:8080\ntimeout a 60s\ntimeout b 60s\n\
                        #affinity stick\nserver node1 127.0.0.1:3001 check\n\
                        server node2 127.0.0.1:3002 check\nserver node3 127.0.0.1:3003 check\n";

    fn nodes() -> Vec<String> {
        ["127.0.0.1:4001", "127.0.0.1:4002"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn addresses_are_filled_in() {
        let text = fill(TEXT, 9000, &nodes(), &Changes::default()).unwrap();
        let expected = "# like `#affinity`\nbind 127.0.0.1:9000\ntimeout a 60s\ntimeout b 60s\n\
                        #affinity stick\nserver node1 127.0.0.1:4001 check\n\
                        server node2 127.0.0.1:4002 check\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn affinity_and_silence_are_changed_when_asked() {
        let changes = Changes {
            affinity: true,
            silence: Some(1),
        };
        let text = fill(TEXT, 9000, &nodes(), &changes).unwrap();
        assert!(text.contains("\nstick\n"), "{text}");
        assert!(text.contains("timeout a 1s\ntimeout b 1s\n"), "{text}");
    }

    #[test]
    fn what_is_not_there_cannot_be_changed() {
        let changes = Changes {
            affinity: true,
            silence: None,
        };
        let text = TEXT.replace("#affinity stick", "");
        let error = fill(&text, 9000, &nodes(), &changes).unwrap_err();
        assert!(error.to_string().contains("#affinity"), "{error}");
        let error = fill("", 9000, &nodes(), &Changes::default()).unwrap_err();
        assert!(error.to_string().contains(":8080"), "{error}");
    }
}
