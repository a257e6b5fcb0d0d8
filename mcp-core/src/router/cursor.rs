//! Where a list goes on: the last item's name, and the digest of the list it stood in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Digest;
use crate::jsonrpc::ErrorObject;

/// The first byte of every cursor.
const VERSION: u8 = 1;

/// Writes a cursor.
pub(super) fn encode(after: &str, digest: Digest) -> String {
    let mut bytes = Vec::with_capacity(17 + after.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(digest.as_bytes());
    bytes.extend_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor.
///
/// # Errors
///
/// −32602 when it is not one of ours.
pub(super) fn decode(cursor: &str) -> Result<(String, Digest), ErrorObject> {
    read(cursor).ok_or_else(|| ErrorObject::invalid_params("invalid cursor"))
}

fn read(cursor: &str) -> Option<(String, Digest)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (digest, after) = bytes.strip_prefix(&[VERSION])?.split_first_chunk::<16>()?;
    let after = std::str::from_utf8(after).ok()?;
    Some((after.to_owned(), Digest::from_bytes(*digest)))
}
