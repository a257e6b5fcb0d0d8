//! What stands in a schema: whether it says more than its type enforces, and whether it can be
//! applied.

use serde_json::{Map, Value};

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

/// Whether a schema made of a type says more than reading or writing a value of the type enforces.
pub(super) fn says_more_than_type(schema: &Value) -> bool {
    let mut found = false;
    each_schema(schema, |schema, _| {
        found |= schema.as_object().is_some_and(limits);
    });
    found
}

/// Whether a schema asks more than that a value is an object, which all arguments and all
/// structured content are.
pub(crate) fn says_more_than_object(schema: &Value) -> bool {
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

/// Looks whether a validator may be made of a schema.
pub(crate) fn survey(schema: &Value) -> Result<(), String> {
    let (mut schemas, mut deepest, mut foreign) = (0, 0, None);
    each_schema(schema, |schema, depth| {
        schemas += 1;
        deepest = deepest.max(depth);
        foreign = foreign.or_else(|| dialect(schema.as_object()?));
    });
    if deepest > MAX_DEPTH {
        return Err(format!("its schemas are nested deeper than {MAX_DEPTH}"));
    }
    if schemas > MAX_SCHEMAS {
        return Err(format!("it consists of more than {MAX_SCHEMAS} schemas"));
    }
    match foreign {
        Some(reference) => Err(format!("`{reference}` is not in the schema")),
        None => Ok(()),
    }
}

/// Whether one schema, without those within it, says what no type enforces.
///
/// A type enforces what is generated of it: `enum`, `const`, `additionalProperties: false`, the
/// alternatives of an enum, the range of an integer, the length of a tuple.
fn limits(members: &Map<String, Value>) -> bool {
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

/// Visits a schema and all schemas within it, with their depth.
fn each_schema<'s>(schema: &'s Value, mut visit: impl FnMut(&'s Value, usize)) {
    let mut pending = vec![(schema, 1)];
    while let Some((schema, depth)) = pending.pop() {
        visit(schema, depth);
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            let within = within(keyword, value).into_iter();
            pending.extend(within.map(|schema| (schema, depth + 1)));
        }
    }
}

/// The schemas that stand directly in a member of a schema.
fn within<'s>(keyword: &str, value: &'s Value) -> Vec<&'s Value> {
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
        | "unevaluatedProperties" => vec![value],
        "allOf" | "anyOf" | "items" | "oneOf" | "prefixItems" => match value {
            Value::Array(schemas) => schemas.iter().collect(),
            schema => vec![schema],
        },
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => value
            .as_object()
            .into_iter()
            .flat_map(Map::values)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use schemars::{JsonSchema, generate::SchemaSettings};
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Of<T> {
        value: T,
        perhaps: Option<T>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    #[serde(tag = "kind")]
    enum Tagged {
        One,
        Two { with: u8 },
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    #[serde(untagged)]
    enum Untagged {
        Flag(bool),
        Inner(Box<Of<String>>),
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    #[serde(deny_unknown_fields)]
    struct Closed {
        a: i32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Flat {
        own: u64,
        #[serde(flatten)]
        tagged: Tagged,
        #[serde(flatten)]
        others: BTreeMap<String, Value>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Deep {
        rows: Vec<Limited>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Limited {
        #[schemars(range(min = 1))]
        count: u32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct FromZero {
        #[schemars(range(min = 0))]
        count: i64,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    #[schemars(extend("anyOf" = [{"required": ["a"]}, {"required": ["b"]}]))]
    struct OneOfTwo {
        a: Option<i32>,
        b: Option<i32>,
    }

    fn limited<T: JsonSchema>() -> bool {
        let schema = SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<T>();
        says_more_than_type(schema.as_value())
    }

    #[test]
    fn what_a_type_enforces_is_no_limit() {
        for (what, limited) in [
            ("i64", limited::<Of<i64>>()),
            ("u8", limited::<Of<u8>>()),
            ("i16", limited::<Of<i16>>()),
            ("u32", limited::<Of<u32>>()),
            ("usize", limited::<Of<usize>>()),
            ("f64", limited::<Of<f64>>()),
            ("String", limited::<Of<String>>()),
            ("Value", limited::<Of<Value>>()),
            ("tuple", limited::<Of<(u8, String)>>()),
            ("Vec", limited::<Of<Vec<u16>>>()),
            ("map", limited::<Of<BTreeMap<String, u64>>>()),
            ("tagged", limited::<Of<Tagged>>()),
            ("untagged", limited::<Of<Untagged>>()),
            ("closed", limited::<Of<Closed>>()),
            ("flat", limited::<Flat>()),
        ] {
            assert!(!limited, "{what}");
        }
    }

    #[test]
    fn what_a_type_does_not_enforce_is_a_limit() {
        for (what, limited) in [
            ("range", limited::<Limited>()),
            ("deep", limited::<Deep>()),
            ("optional", limited::<Of<Limited>>()),
            ("range of a signed number", limited::<FromZero>()),
            ("set", limited::<Of<BTreeSet<u8>>>()),
            ("composition", limited::<OneOfTwo>()),
        ] {
            assert!(limited, "{what}");
        }
    }

    #[test]
    fn a_property_may_be_called_like_a_keyword() {
        let schema = json!({"properties": {"pattern": {"type": "string"}, "minimum": true}});
        assert!(!says_more_than_type(&schema));
    }

    #[test]
    fn only_what_asks_something_of_an_object_says_more_than_object() {
        let open = json!({"type": "object", "title": "Any", "$defs": {"a": {"minimum": 1}}});
        assert!(!says_more_than_object(&open));
        for schema in [
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "properties": {}}),
            json!({"type": "object", "unheard": 1}),
        ] {
            assert!(says_more_than_object(&schema), "{schema}");
        }
    }

    #[test]
    fn a_schema_at_the_limits_can_be_applied() {
        let nested = |depth| (1..depth).fold(json!({}), |inner, _| json!({"items": inner}));
        assert_eq!(survey(&nested(MAX_DEPTH)), Ok(()));
        assert!(survey(&nested(MAX_DEPTH + 1)).is_err());
        let wide = |count| json!({"allOf": vec![true; count - 1]});
        assert_eq!(survey(&wide(MAX_SCHEMAS)), Ok(()));
        assert!(survey(&wide(MAX_SCHEMAS + 1)).is_err());
    }
}
