//! The form of an elicitation, for clients that know only the plain kinds of fields.

use serde_json::{Map, Value};

/// Rewrites the form in place.
pub(super) fn simplify(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let mut unknown = Vec::new();
    for (name, property) in properties.iter_mut() {
        let Some(property) = property.as_object_mut() else {
            continue;
        };
        match property.get("type").and_then(Value::as_str) {
            Some("array") => unknown.push(name.clone()),
            Some("string") => {
                property.remove("default");
                untitle(property);
            }
            Some("number" | "integer") => {
                property.remove("default");
            }
            _ => {}
        }
    }
    for name in &unknown {
        properties.remove(name);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|entry| !unknown.iter().any(|name| entry == name.as_str()));
    }
}

/// Writes `oneOf` with titles as `enum` and `enumNames`.
fn untitle(property: &mut Map<String, Value>) {
    let Some(Value::Array(options)) = property.remove("oneOf") else {
        return;
    };
    let member = |name: &str| -> Vec<Value> {
        options
            .iter()
            .filter_map(|option| option.get(name).cloned())
            .collect()
    };
    let (values, names) = (member("const"), member("title"));
    if names.len() == values.len() {
        property.insert("enumNames".to_owned(), Value::Array(names));
    }
    property.insert("enum".to_owned(), Value::Array(values));
}
