//! What a server answers: plain JSON, or one message as a stream of events.

use mcp_core::BoxError;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    /// The message, without what frames it.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads one answer; the buffer is what is reused from one to the next.
    pub(crate) async fn read(
        stream: &mut TcpStream,
        buffer: &mut Vec<u8>,
    ) -> Result<Self, BoxError> {
        buffer.clear();
        let head = head(stream, buffer).await?;
        let text = std::str::from_utf8(&buffer[..head])?;
        let status = text.get(9..12).unwrap_or_default().parse()?;
        let session = header(text, "mcp-session-id").map(str::to_owned);
        let is_stream = header(text, "content-type")
            .is_some_and(|value| value.starts_with("text/event-stream"));
        let length = header(text, "content-length")
            .map(str::parse::<usize>)
            .transpose()?;
        let is_chunked = header(text, "transfer-encoding").is_some();
        let mut body = match length {
            Some(length) => {
                while buffer.len() < head + length {
                    fill(stream, buffer).await?;
                }
                buffer[head..].to_vec()
            }
            None if is_chunked => chunks(stream, buffer, head).await?,
            None => Vec::new(),
        };
        if is_stream {
            body = last_event(&body).to_vec();
        }
        Ok(Self {
            status,
            session,
            body,
        })
    }
}

/// Reads until the head is there; says where the body begins.
pub(crate) async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize, BoxError> {
    loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            return Ok(at + 4);
        }
        fill(stream, buffer).await?;
    }
}

pub(crate) async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), BoxError> {
    match stream.read_buf(buffer).await? {
        0 => Err("the server closed the connection".into()),
        _ => Ok(()),
    }
}

/// A body that comes in chunks, to its end.
async fn chunks(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    mut at: usize,
) -> Result<Vec<u8>, BoxError> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(end) = find(&buffer[at..], b"\r\n") {
                break at + end;
            }
            fill(stream, buffer).await?;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[at..line])?, 16)?;
        let (start, end) = (line + 2, line + 2 + size);
        while buffer.len() < end + 2 {
            fill(stream, buffer).await?;
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&buffer[start..end]);
        at = end + 2;
    }
}

/// The data of the last event that has some.
fn last_event(body: &[u8]) -> &[u8] {
    let lines = body.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(<[u8]>::trim_ascii)
        .rfind(|data| !data.is_empty())
        .unwrap_or_default()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_last_event_with_data() {
        let body = b"id: 0\nretry: 3000\ndata:\n\nid: 1\ndata: {\"id\":1}\n\n";
        assert_eq!(last_event(body), b"{\"id\":1}");
    }
}
