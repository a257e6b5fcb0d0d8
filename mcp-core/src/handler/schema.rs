//! JSON Schemas of arguments and results, collected from the types of a handler.

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

#[cfg(feature = "validate")]
use super::survey::says_more_than_type;

/// Who wrote a schema, and so what reading or writing the value has enforced already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SchemaOrigin {
    /// It was made of the type that is read or written, and says no more than that enforces.
    #[default]
    Type,
    /// It was made of the type that is read or written, with limits that this does not enforce.
    #[cfg(feature = "validate")]
    LimitedType,
    /// The author wrote it; nobody knows what it has to do with the types.
    Author,
}

/// A schema, and who wrote it.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) schema: Value,
    pub(crate) origin: SchemaOrigin,
}

/// What a handler's arguments say about the `arguments` of a call.
#[derive(Debug, Default)]
pub struct InputSchema {
    described: Option<Result<Described, String>>,
    open: bool,
}

impl InputSchema {
    /// The arguments are a `T`.
    pub fn arguments<T: JsonSchema + ?Sized>(&mut self) {
        let schema = object_schema_of::<T>(SchemaSettings::draft2020_12());
        self.describe(schema);
    }

    /// The arguments fit this JSON Schema, which has `"type": "object"`.
    ///
    /// It is checked like that of [`Tool::input_schema`](super::Tool::input_schema).
    pub fn schema(&mut self, schema: Value) {
        self.describe(authored(schema));
    }

    /// The arguments are some object; an exact description by another argument counts more.
    pub fn any_arguments(&mut self) {
        self.open = true;
    }

    fn describe(&mut self, schema: Result<Described, String>) {
        self.described = Some(match self.described {
            None => schema,
            Some(_) => Err("two arguments of the handler describe `arguments`".to_owned()),
        });
    }

    pub(crate) fn finish(self) -> Result<Described, String> {
        let schema = match self.described {
            Some(described) => return described,
            None if self.open => json!({"type": "object"}),
            None => json!({"type": "object", "additionalProperties": false}),
        };
        Ok(Described::by(SchemaOrigin::Type, schema))
    }
}

/// What a handler's return type says about `structuredContent`.
#[derive(Debug, Default)]
pub struct OutputSchema {
    described: Option<Result<Described, String>>,
}

impl OutputSchema {
    /// The result is a `T`.
    pub fn structured<T: JsonSchema + ?Sized>(&mut self) {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        self.described = Some(object_schema_of::<T>(settings));
    }

    /// The result fits this JSON Schema, which has `"type": "object"`.
    ///
    /// It is checked like that of [`Tool::output_schema`](super::Tool::output_schema).
    pub fn schema(&mut self, schema: Value) {
        self.described = Some(authored(schema));
    }

    pub(crate) fn finish(self) -> Result<Option<Described>, String> {
        self.described.transpose()
    }
}

impl SchemaOrigin {
    #[cfg(feature = "validate")]
    fn of_type(schema: &Schema) -> Self {
        if says_more_than_type(schema.as_value()) {
            Self::LimitedType
        } else {
            Self::Type
        }
    }

    #[cfg(not(feature = "validate"))]
    fn of_type(_: &Schema) -> Self {
        Self::Type
    }
}

impl Described {
    fn by(origin: SchemaOrigin, schema: Value) -> Self {
        Self { schema, origin }
    }
}

/// A schema of the author's own, if it is one of objects.
pub(crate) fn authored(schema: Value) -> Result<Described, String> {
    checked(schema).map(|schema| Described::by(SchemaOrigin::Author, schema))
}

/// The schema, if it is one of objects and says so.
fn checked(mut schema: Value) -> Result<Value, String> {
    let Some(members) = schema.as_object_mut() else {
        return Err("the schema is not a JSON object".to_owned());
    };
    match members.get("type") {
        Some(Value::String(kind)) if kind == "object" => Ok(schema),
        None if is_object(members, members) => {
            members.insert("type".to_owned(), "object".into());
            Ok(schema)
        }
        _ => Err("the schema has no `\"type\": \"object\"`".to_owned()),
    }
}

/// The schema of a type, without what a model does not need: the dialect, which is the
/// specification's default, and the type's Rust name.
fn object_schema_of<T: JsonSchema + ?Sized>(settings: SchemaSettings) -> Result<Described, String> {
    let generator = settings
        .with(|settings| settings.meta_schema = None)
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    // The width of a number tells its own limits from the author's, so it is forgotten later.
    let origin = SchemaOrigin::of_type(&schema);
    RecursiveTransform(forget_rust_number).transform(&mut schema);
    let own_name = T::schema_name();
    if schema.get("title").and_then(Value::as_str) == Some(own_name.as_ref()) {
        schema.remove("title");
    }
    match checked(schema.to_value()) {
        Ok(schema) => Ok(Described::by(origin, schema)),
        Err(why) => Err(format!("`{own_name}`: {why}")),
    }
}

/// schemars writes the width of Rust's numbers as `format`, which JSON Schema does not know and strict
/// validators refuse.
fn forget_rust_number(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str);
    let of_rust = format.is_some_and(|format| {
        let width = format.trim_start_matches("uint").trim_start_matches("int");
        matches!(format, "float" | "double")
            || (width.len() < format.len() && width.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if of_rust {
        schema.remove("format");
    }
}

/// Whether a schema allows only objects, by its own word or by that of every alternative.
fn is_object(schema: &Map<String, Value>, root: &Map<String, Value>) -> bool {
    if let Some(kind) = schema.get("type") {
        return kind == "object";
    }
    if let Some(Value::String(reference)) = schema.get("$ref") {
        return definition(root, reference).is_some_and(is_plain_object);
    }
    ["oneOf", "anyOf"].iter().any(|keyword| {
        let alternatives = schema.get(*keyword).and_then(Value::as_array);
        alternatives.is_some_and(|all| {
            let mut all = all.iter().map(Value::as_object);
            all.all(|one| one.is_some_and(|one| is_alternative(one, root)))
        })
    })
}

/// The same for an alternative, which may name a definition.
fn is_alternative(schema: &Map<String, Value>, root: &Map<String, Value>) -> bool {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => definition(root, reference).is_some_and(is_plain_object),
        None => is_plain_object(schema),
    }
}

fn is_plain_object(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

fn definition<'a>(root: &'a Map<String, Value>, reference: &str) -> Option<&'a Map<String, Value>> {
    let name = reference.strip_prefix("#/$defs/")?;
    root.get("$defs")?.get(name)?.as_object()
}
