//! The servers that are measured.

use std::{path::PathBuf, process::Command};

use mcp_benches::work::Work;
use mcp_core::BoxError;
use serde_json::Value;

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Yardstick,
    Ours,
    /// Says the same in other words.
    Rival,
    /// The same, and it keeps no sessions.
    RivalWithoutSessions,
}

impl Subject {
    /// What starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }

    /// Where it does this work.
    pub(crate) fn path(&self, work: Work) -> &'static str {
        match self.kind {
            Kind::Yardstick => work.yardstick(),
            _ => "/mcp",
        }
    }

    /// Whether it is the server that the figures are about.
    pub(crate) fn is_ours(&self) -> bool {
        self.kind == Kind::Ours
    }

    /// Whether it speaks the protocol.
    pub(crate) fn is_mcp(&self) -> bool {
        self.kind != Kind::Yardstick
    }

    /// Whether it keeps sessions.
    pub(crate) fn has_sessions(&self) -> bool {
        matches!(self.kind, Kind::Ours | Kind::Rival)
    }

    /// What its answer says: the bytes themselves of those who must say the same, what they mean of
    /// the others.
    pub(crate) fn agrees(
        &self,
        work: Work,
        answer: &[u8],
        yardstick: &[u8],
    ) -> Result<bool, BoxError> {
        match self.kind {
            Kind::Yardstick | Kind::Ours => Ok(answer == yardstick),
            Kind::Rival | Kind::RivalWithoutSessions => {
                Ok(meaning(work, answer)? == meaning(work, yardstick)?)
            }
        }
    }
}

/// What a client would use of an answer: the text, or the names of the tools.
fn meaning(work: Work, answer: &[u8]) -> Result<Vec<String>, BoxError> {
    let answer: Value = serde_json::from_slice(answer)?;
    let result = &answer["result"];
    let (list, field) = match work {
        Work::List => ("tools", "name"),
        Work::Read => ("contents", "text"),
        _ => ("content", "text"),
    };
    let items = result[list].as_array().ok_or("no result")?;
    let texts = items.iter().map(|item| {
        let text = item[field].as_str().ok_or("no text")?;
        Ok(text.to_owned())
    });
    let mut texts: Vec<_> = texts.collect::<Result<_, BoxError>>()?;
    texts.sort_unstable();
    Ok(texts)
}

/// The yardstick and ours, which are built beside this program.
pub(crate) fn ours() -> Result<Vec<Subject>, BoxError> {
    let here = std::env::current_exe()?;
    let subject = |name, file: &str, kind| {
        let program = here.with_file_name(file);
        if program.exists() {
            return Ok(Subject {
                name,
                program,
                arguments: Vec::new(),
                kind,
            });
        }
        Err(format!(
            "{file} is not built: cargo build --release --package mcp-benches"
        ))
    };
    Ok(vec![
        subject("axum", "yardstick", Kind::Yardstick)?,
        subject("ours", "server", Kind::Ours)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_words_means_the_same() {
        let ours = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a"}]}}"#;
        let rival = br#"{"id":1,"result":{"isError":false,"content":[{"text":"a"}]}}"#;
        let wrong = br#"{"id":1,"result":{"content":[{"text":"b"}]}}"#;
        let said = meaning(Work::Call, ours).unwrap();
        assert_eq!(meaning(Work::Call, rival).unwrap(), said);
        assert_ne!(meaning(Work::Call, wrong).unwrap(), said);
    }
}
