//! The official schemas, when they are at hand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jsonschema::Validator;
use mcp_core::protocol::Revision;
use serde_json::{Value, json};

/// Where the schema of a revision is, and its examples if it has any.
pub(crate) fn directory(revision: Revision) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/schema")
        .join(revision.as_str())
}

/// The official schema of one revision.
pub(crate) struct Official {
    document: Value,
    revision: Revision,
}

/// What a schema says of members it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownMembers {
    /// As published: they are allowed nearly everywhere.
    Allowed,
    /// They are errors wherever the published schema names members and says nothing of others.
    Refused,
}

impl Official {
    /// Reads the schema beside the workspace.
    ///
    /// A checkout without that directory has none. No test is skipped for that: the golden round
    /// trips and the facts of `downgrade` need no schema and always run.
    pub(crate) fn load(revision: Revision) -> Option<Self> {
        let text = fs::read_to_string(directory(revision).join("schema.json")).ok()?;
        let document = serde_json::from_str(&text).expect("a schema is JSON");
        Some(Self { document, revision })
    }

    /// Panics unless `value` is valid by the definition at `path`, such as `Tool` or
    /// `PingRequest/properties/params`.
    pub(crate) fn check(&self, path: &str, value: &Value, unknown: UnknownMembers) {
        let errors: Vec<String> = self
            .validator(path, unknown)
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "not a {path} of {}: {errors:#?}\n{value:#}",
            self.revision
        );
    }

    fn validator(&self, path: &str, unknown: UnknownMembers) -> Validator {
        let mut document = self.document.clone();
        if unknown == UnknownMembers::Refused {
            close(&mut document);
        }
        let definitions = if document.get("$defs").is_some() {
            "$defs"
        } else {
            "definitions"
        };
        document["allOf"] = json!([{ "$ref": format!("#/{definitions}/{path}") }]);
        jsonschema::options()
            .should_validate_formats(true)
            .build(&document)
            .expect("the official schema is a schema")
    }
}

/// Refuses members that are not named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let names_members = members.get("properties").is_some_and(Value::is_object);
            if names_members && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            for (name, member) in members {
                // Schemas in messages are JSON Schema, of which only the frame is named there; and
                // `_meta` has members of anyone.
                let open = matches!(name.as_str(), "inputSchema" | "outputSchema")
                    || name.ends_with("MetaObject");
                if !open {
                    close(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
