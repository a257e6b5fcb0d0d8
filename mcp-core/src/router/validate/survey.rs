//! What a schema holds: whether it says more than its type enforces, and whether it can be applied.

use serde_json::{Map, Value};

use crate::handler::SchemaOrigin;

/// How deep schemas may stand in each other.
const MAX_DEPTH: usize = 64;

/// How many schemas one may consist of.
const MAX_SCHEMAS: usize = 4096;

/// The members of a schema that ask nothing of a value.
const ANNOTATIONS: [&str; 12] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Keywords that no type enforces, whatever they say.
const FURTHER: [&str; 16] = [
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "contains",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "if",
    "$dynamicRef",
];

/// Where the dialects of JSON Schema describe themselves; the validator knows these documents.
const DIALECTS: [&str; 2] = ["https://json-schema.org/", "http://json-schema.org/"];

/// What stands in a schema and in all schemas within it.
#[derive(Debug, Default)]
pub(super) struct Survey<'s> {
    says_more: bool,
    schemas: usize,
    depth: usize,
    /// A reference to a schema of JSON Schema itself.
    dialect: Option<&'s str>,
}

impl<'s> Survey<'s> {
    pub(super) fn of(schema: &'s Value, origin: SchemaOrigin) -> Self {
        let mut found = Self {
            says_more: origin == SchemaOrigin::Author && asks_anything(schema),
            ..Self::default()
        };
        let mut pending = vec![(schema, 1)];
        while let Some((schema, depth)) = pending.pop() {
            found.schemas += 1;
            found.depth = found.depth.max(depth);
            let Some(members) = schema.as_object() else {
                continue;
            };
            found.says_more |= says_more(members);
            found.dialect = found.dialect.or_else(|| dialect(members));
            for (keyword, value) in members {
                each_schema(keyword, value, |inner| pending.push((inner, depth + 1)));
            }
        }
        found
    }

    /// Whether a validator has anything to do that reading or writing the value does not.
    pub(super) fn says_more(&self) -> bool {
        self.says_more
    }

    /// Whether a validator may be made of it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.depth > MAX_DEPTH {
            return Err(format!("its schemas are nested deeper than {MAX_DEPTH}"));
        }
        if self.schemas > MAX_SCHEMAS {
            return Err(format!("it consists of more than {MAX_SCHEMAS} schemas"));
        }
        match self.dialect {
            Some(reference) => Err(format!("`{reference}` is not in the schema")),
            None => Ok(()),
        }
    }
}

/// Whether a schema of the author's asks more than that the value is an object, which every call
/// and every result is seen to already.
fn asks_anything(schema: &Value) -> bool {
    let Some(members) = schema.as_object() else {
        return true;
    };
    members.iter().any(|(keyword, value)| {
        let asks_nothing = match keyword.as_str() {
            "type" => value == "object",
            other => ANNOTATIONS.contains(&other),
        };
        !asks_nothing
    })
}

/// Whether one schema, without those within it, says what no type enforces.
///
/// A type enforces what is generated of it: `enum`, `const`, `additionalProperties: false`, the
/// alternatives of an enum, the range of an integer, the length of a tuple.
fn says_more(members: &Map<String, Value>) -> bool {
    members
        .iter()
        .any(|(keyword, value)| match keyword.as_str() {
            "minimum" | "maximum" => !is_range_of_integer(members, keyword, value),
            "minItems" | "maxItems" => !is_length_of_tuple(members, value),
            "uniqueItems" => value != &Value::Bool(false),
            "unevaluatedItems" | "unevaluatedProperties" => value != &Value::Bool(true),
            "required" => !are_properties(members, value),
            other => FURTHER.contains(&other),
        })
}

/// Whether a limit is that of the integer type, whose name stands in `format`.
fn is_range_of_integer(members: &Map<String, Value>, keyword: &str, limit: &Value) -> bool {
    let Some(format) = members.get("format").and_then(Value::as_str) else {
        return false;
    };
    let (least, most) = match format {
        "uint8" => (0, Some(u8::MAX.into())),
        "uint16" => (0, Some(u16::MAX.into())),
        "uint32" | "uint64" | "uint128" | "uint" => (0, None),
        "int8" => (i8::MIN.into(), Some(i8::MAX.into())),
        "int16" => (i16::MIN.into(), Some(i16::MAX.into())),
        _ => return false,
    };
    let own = if keyword == "minimum" {
        Some(least)
    } else {
        most
    };
    own.is_some() && own == limit.as_i64()
}

/// Whether a number of items is that of the listed items.
fn is_length_of_tuple(members: &Map<String, Value>, limit: &Value) -> bool {
    let listed = members.get("prefixItems").and_then(Value::as_array);
    listed.is_some_and(|listed| {
        let length = u64::try_from(listed.len()).ok();
        limit.as_u64() == length && !members.contains_key("items")
    })
}

/// Whether what is required is described beside it, as it is for the fields of a type.
fn are_properties(members: &Map<String, Value>, required: &Value) -> bool {
    let properties = members.get("properties").and_then(Value::as_object);
    let mut names = required.as_array().into_iter().flatten();
    names.all(|name| {
        let name = name.as_str().unwrap_or_default();
        properties.is_some_and(|properties| properties.contains_key(name))
    })
}

/// The reference to a schema of JSON Schema itself, if it is one.
fn dialect(members: &Map<String, Value>) -> Option<&str> {
    let mut references = ["$ref", "$dynamicRef", "$recursiveRef"].into_iter();
    references.find_map(|keyword| {
        let reference = members.get(keyword)?.as_str()?;
        let known = DIALECTS.iter().any(|start| reference.starts_with(start));
        known.then_some(reference)
    })
}

/// Visits the schemas that stand directly in a member of a schema.
fn each_schema<'s>(keyword: &str, value: &'s Value, mut visit: impl FnMut(&'s Value)) {
    match keyword {
        "additionalItems"
        | "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => visit(value),
        "allOf" | "anyOf" | "items" | "oneOf" | "prefixItems" => match value {
            Value::Array(schemas) => schemas.iter().for_each(visit),
            schema => visit(schema),
        },
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => {
            let members = value.as_object().into_iter().flat_map(Map::values);
            members.filter(|member| !member.is_array()).for_each(visit);
        }
        _ => {}
    }
}
