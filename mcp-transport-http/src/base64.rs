//! Base64 as RFC 4648, section 4, writes it: padded, and in one way only.

/// The bytes that `text` stands for; `None` for anything an encoder would not have written.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (quads, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(quads.len() * 3);
    let last = quads.len().saturating_sub(1);
    for (index, quad) in quads.iter().enumerate() {
        let padding = match quad {
            [_, _, b'=', b'='] if index == last => 2,
            [_, _, _, b'='] if index == last => 1,
            _ => 0,
        };
        let mut group = 0_u32;
        for byte in &quad[..4 - padding] {
            group = group << 6 | sextet(*byte)?;
        }
        group <<= 6 * padding;
        let [_, decoded @ ..] = group.to_be_bytes();
        let (kept, unused) = decoded.split_at(3 - padding);
        if unused.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let examples = [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ];
        for (encoded, decoded) in examples {
            assert_eq!(
                decode(encoded).as_deref(),
                Some(decoded.as_bytes()),
                "{encoded}"
            );
        }
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn other_writings_are_refused() {
        for text in [
            "Zg",
            "Zg=",
            "Zm8",
            "Z===",
            "====",
            "=",
            "Zg==Zg==",
            "Zm=v",
            "Z=m9",
            "Zm9v====",
            "Zg==\n",
            " Zg==",
            "Zm 9",
            "-_-_",
            "Zh==",
            "Zm9=",
            "SGVs!!!bG8=",
            "SGVsbG8",
            "größe",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
