//! What every result says of itself since 2026-07-28: its type, its server, how long it stays fresh.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::value::{RawValue, to_raw_value};

use super::Server;
use crate::{
    handler::Peer,
    protocol::{CacheScope, Meta, Method},
    router::{CacheHint, Catalogue, McpResponse},
};

/// Whether results of this method carry a hint.
fn is_cacheable(method: &Method) -> bool {
    matches!(
        method,
        Method::Discover
            | Method::ToolsList
            | Method::PromptsList
            | Method::ResourcesList
            | Method::ResourceTemplatesList
            | Method::ResourcesRead
    )
}

/// What results of a request without a session say besides.
pub(super) struct Completion {
    method: Method,
    hint: CacheHint,
    catalogue: Arc<Catalogue>,
}

impl Server {
    /// What is added to the results of this request; nothing in the revisions with sessions.
    pub(super) fn completion(&self, peer: &Peer, method: &Method) -> Option<Completion> {
        matches!(peer, Peer::Sessionless(..)).then(|| {
            let catalogue = self.0.current.get();
            Completion {
                method: method.clone(),
                hint: catalogue.cache_hint(method),
                catalogue,
            }
        })
    }
}

impl Completion {
    /// Adds to a result what it does not say itself.
    pub(super) fn apply(&self, mut response: McpResponse) -> McpResponse {
        let info = self.catalogue.stamp();
        let hint = is_cacheable(&self.method).then_some(self.hint);
        if response.add_members(|message| say(message, hint, info.get())) {
            return response;
        }
        complete(response, hint, info)
    }
}

/// What a result says that says nothing of itself.
fn say(message: &mut Vec<u8>, hint: Option<CacheHint>, server_info: &str) {
    message.extend_from_slice(br#","resultType":"complete""#);
    if let Some(hint) = hint {
        let (ttl, scope) = (hint.ttl_ms(), scope(hint));
        let text = format!(r#","ttlMs":{ttl},"cacheScope":{scope}"#);
        message.extend_from_slice(text.as_bytes());
    }
    let text = [",\"_meta\":{\"", Meta::SERVER_INFO, "\":", server_info, "}"];
    for part in text {
        message.extend_from_slice(part.as_bytes());
    }
}

fn scope(hint: CacheHint) -> &'static str {
    match hint.scope() {
        CacheScope::Public => "\"public\"",
        CacheScope::Private => "\"private\"",
    }
}

/// Looks what a result says already, and adds the rest.
fn complete(response: McpResponse, hint: Option<CacheHint>, server_info: &RawValue) -> McpResponse {
    let Some(result) = response.as_result() else {
        return response;
    };
    let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(result) else {
        return response;
    };
    let mut add = |name: &str, json: String| {
        if !members.contains_key(name)
            && let Ok(value) = RawValue::from_string(json)
        {
            members.insert(name.to_owned(), value);
        }
    };
    let interim = response.is_input_required();
    add("resultType", "\"complete\"".to_owned());
    if let Some(hint) = hint.filter(|_| !interim) {
        add("ttlMs", hint.ttl_ms().to_string());
        add("cacheScope", scope(hint).to_owned());
    }
    let mut meta: BTreeMap<String, Box<RawValue>> = members
        .get("_meta")
        .and_then(|meta| serde_json::from_str(meta.get()).ok())
        .unwrap_or_default();
    meta.entry(Meta::SERVER_INFO.to_owned())
        .or_insert_with(|| server_info.to_owned());
    if let Ok(meta) = to_raw_value(&meta) {
        members.insert("_meta".to_owned(), meta);
    }
    response.with_result(&members)
}
