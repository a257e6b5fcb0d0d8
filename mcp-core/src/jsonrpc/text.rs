//! Texts as JSON strings.

/// How many bytes are looked at together.
const BLOCK: usize = 32;

/// Writes a JSON string. What needs no escape, which is nearly everything, is copied in one piece.
pub(crate) fn write_text(buffer: &mut Vec<u8>, text: &str) {
    // With room for what closes a message behind it, so that a large one is not moved for that.
    buffer.reserve(text.len() + 16);
    buffer.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, after) = rest.split_at(plain(rest));
        buffer.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else {
            break;
        };
        escape(buffer, *byte);
        rest = after;
    }
    buffer.push(b'"');
}

/// How many bytes from the first on need no escape.
fn plain(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // Without a branch for each byte, so that the compiler compares many of them at once.
    let is_plain =
        |block: &[u8; BLOCK]| !block.iter().fold(false, |any, byte| any | special(*byte));
    let start = BLOCK * blocks.iter().take_while(|block| is_plain(block)).count();
    let rest = bytes[start..].iter();
    start + rest.take_while(|byte| !special(**byte)).count()
}

const fn special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(buffer: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            buffer.extend_from_slice(b"\\u00");
            let digits = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            buffer.extend_from_slice(&digits);
            return;
        }
    };
    buffer.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut buffer = Vec::new();
        write_text(&mut buffer, text);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        let all: String = (0..0x250_u32).filter_map(char::from_u32).collect();
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
        for character in all.chars() {
            let text = character.to_string();
            assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn an_escape_is_found_at_every_place() {
        for length in 0..3 * BLOCK {
            for at in 0..=length {
                let text = format!("{}\"{}", "x".repeat(at), "ü".repeat(length - at));
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }
}
