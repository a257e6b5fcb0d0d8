//! Asking the user: forms and links.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation>

use std::marker::PhantomData;

use bytes::Bytes;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Ask, AskError, Context, ask::Question};
use crate::protocol::{
    ClientCapability, ElicitAction, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult,
    Method, Revision,
};

/// What a user can fill in: a flat struct of strings, numbers, booleans and enums of unit variants.
///
/// Implemented for every type that can be read from JSON and describes itself.
pub trait Form: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Form for T {}

/// A form to show to the user.
///
/// ```
/// use mcp_core::handler::ElicitForm;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Owner {
///     /// Who owns the notes
///     name: String,
/// }
///
/// let form = ElicitForm::<Owner>::of("Whose notes?");
/// # let _ = form;
/// ```
#[derive(Clone, Debug)]
pub struct ElicitForm<T> {
    message: String,
    schema: Result<Value, String>,
    answer: PhantomData<fn() -> T>,
}

impl<T: Form> ElicitForm<T> {
    /// A form with the fields of `T`.
    #[must_use]
    pub fn of(message: impl Into<String>) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let schema = settings.into_generator().into_root_schema_for::<T>();
        Self {
            message: message.into(),
            schema: flat(schema.to_value()),
            answer: PhantomData,
        }
    }
}

impl ElicitForm<Value> {
    /// A form with a schema of your own, sent as it is.
    #[must_use]
    pub fn with_schema(message: impl Into<String>, schema: Value) -> Self {
        Self {
            message: message.into(),
            schema: Ok(schema),
            answer: PhantomData,
        }
    }
}

impl<T> ElicitForm<T> {
    pub(super) fn question(self, revision: Revision) -> Result<Question, AskError> {
        let schema = self.schema.map_err(AskError::InvalidQuestion)?;
        let params = ElicitRequestFormParams::new(self.message, schema).for_revision(revision);
        let needs = ClientCapability::ElicitationForm;
        Question::new(Method::ElicitationCreate, &params, needs)
    }
}

/// What schemars writes, in the restricted form that a client must understand: an object whose
/// properties are primitives.
fn flat(schema: Value) -> Result<Value, String> {
    let Value::Object(mut schema) = schema else {
        return Err("a form is a struct with named fields".to_owned());
    };
    if schema.get("type") != Some(&Value::from("object")) {
        return Err("a form is a struct with named fields".to_owned());
    }
    let properties = match schema.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    let mut primitives = Map::new();
    for (name, property) in properties {
        let Value::Object(property) = property else {
            return Err(format!("`{name}` has no type"));
        };
        primitives.insert(name.clone(), primitive(&name, property)?);
    }
    let mut form = json!({ "type": "object", "properties": primitives });
    if let (Some(required), Value::Object(form)) = (schema.remove("required"), &mut form) {
        form.insert("required".to_owned(), required);
    }
    Ok(form)
}

fn primitive(name: &str, mut property: Map<String, Value>) -> Result<Value, String> {
    // An `Option` is a field that is not required; `null` is not a value a form can have.
    if let Some(Value::Array(types)) = property.get("type") {
        let mut types = types.iter().filter(|kind| **kind != "null");
        let kind = types.next().cloned().unwrap_or_default();
        property.insert("type".to_owned(), kind);
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let kind = property.get("type").and_then(Value::as_str);
    match kind {
        Some("string") => {
            let format = property.get("format").and_then(Value::as_str);
            if !matches!(format, Some("email" | "uri" | "date" | "date-time") | None) {
                property.remove("format");
            }
        }
        Some("number" | "integer" | "boolean") => {
            property.remove("format");
        }
        Some("array") if property.contains_key("items") => {
            property.remove("uniqueItems");
        }
        _ => return Err(format!("`{name}` is not a string, number, boolean or enum")),
    }
    Ok(Value::Object(property))
}

/// What the user did with a form or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three actions of the protocol")]
pub enum Elicited<T> {
    /// Filled in and sent.
    Accepted(T),
    /// Said no.
    Declined,
    /// Went away without an answer.
    Cancelled,
}

impl<T> Elicited<T> {
    /// What was filled in.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`], which becomes a result that the model can read.
    pub fn accepted(self) -> Result<T, NotAccepted> {
        match self {
            Self::Accepted(value) => Ok(value),
            Self::Declined => Err(NotAccepted::Declined),
            Self::Cancelled => Err(NotAccepted::Cancelled),
        }
    }
}

/// The user did not fill in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the two other actions of the protocol"
)]
pub enum NotAccepted {
    /// Said no.
    #[error("the user declined")]
    Declined,
    /// Went away without an answer.
    #[error("the user cancelled")]
    Cancelled,
}

impl Context {
    /// Asks the user to fill in a form. `key` names the question within this call.
    pub fn elicit<T: Form>(&self, key: &str, form: ElicitForm<T>) -> Ask<Elicited<T>> {
        Ask::new(self, key, form.question(self.revision()), answered::<T>)
    }

    /// Asks the user to visit a URL, for what must not pass through the client.
    pub fn elicit_url(&self, key: &str, url: &str, message: &str) -> Ask<Elicited<()>> {
        Ask::new(self, key, url_question(self, key, url, message), visited)
    }
}

pub(super) fn url_question(
    context: &Context,
    key: &str,
    url: &str,
    message: &str,
) -> Result<Question, AskError> {
    let id = format!("{}.{key}", context.call_id());
    let params = ElicitRequestURLParams::new(message, id, url).for_revision(context.revision());
    let needs = ClientCapability::ElicitationUrl;
    Question::new(Method::ElicitationCreate, &params, needs)
}

fn result(json: &Bytes) -> Result<ElicitResult, AskError> {
    serde_json::from_slice(json).map_err(|error| AskError::InvalidAnswer(error.to_string()))
}

pub(super) fn answered<T: Form>(json: &Bytes) -> Result<Elicited<T>, AskError> {
    let result = result(json)?;
    match result.action {
        ElicitAction::Accept => {
            let content = Value::Object(result.content.unwrap_or_default());
            serde_path_to_error::deserialize(content)
                .map(Elicited::Accepted)
                .map_err(|error| AskError::InvalidAnswer(error.to_string()))
        }
        ElicitAction::Decline => Ok(Elicited::Declined),
        ElicitAction::Cancel => Ok(Elicited::Cancelled),
    }
}

pub(super) fn visited(json: &Bytes) -> Result<Elicited<()>, AskError> {
    Ok(match result(json)?.action {
        ElicitAction::Accept => Elicited::Accepted(()),
        ElicitAction::Decline => Elicited::Declined,
        ElicitAction::Cancel => Elicited::Cancelled,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Answer {
        /// Your name
        name: String,
        age: Option<u32>,
        colour: Colour,
    }

    #[test]
    fn a_form_has_only_primitive_properties() {
        let schema = ElicitForm::<Answer>::of("?").schema.unwrap();
        assert_eq!(schema["properties"]["name"]["type"], "string");
        assert_eq!(schema["properties"]["name"]["description"], "Your name");
        assert_eq!(schema["properties"]["age"]["type"], "integer");
        assert_eq!(schema["properties"]["age"].get("format"), None);
        assert_eq!(
            schema["properties"]["colour"]["enum"],
            json!(["red", "blue"])
        );
        assert_eq!(schema["required"], json!(["name", "colour"]));
        assert_eq!(schema.get("$schema"), None);
    }

    #[test]
    fn a_nested_struct_is_not_a_form() {
        #[derive(Deserialize, JsonSchema)]
        struct Nested {
            #[expect(dead_code, reason = "only the schema counts")]
            answer: Answer,
        }
        assert!(ElicitForm::<Nested>::of("?").schema.is_err());
        assert!(ElicitForm::<String>::of("?").schema.is_err());
    }

    #[test]
    fn the_three_actions_are_told_apart() {
        let accepted =
            Bytes::from_static(br#"{"action":"accept","content":{"name":"A","colour":"red"}}"#);
        let answer = answered::<Answer>(&accepted).unwrap().accepted().unwrap();
        assert_eq!((answer.name.as_str(), answer.age), ("A", None));
        let declined = answered::<Answer>(&Bytes::from_static(br#"{"action":"decline"}"#));
        assert_eq!(declined.unwrap().accepted(), Err(NotAccepted::Declined));
        let wrong = Bytes::from_static(br#"{"action":"accept","content":{"name":1}}"#);
        assert!(matches!(
            answered::<Answer>(&wrong),
            Err(AskError::InvalidAnswer(text)) if text.starts_with("name")
        ));
    }
}
