//! Which arguments of a tool a client repeats as HTTP headers: `x-mcp-header` (SEP-2243).

use std::fmt::Write;

use serde_json::{Map, Value};

const ANNOTATION: &str = "x-mcp-header";
const PREFIX: &str = "mcp-param-";

/// One argument of a tool that clients repeat as an HTTP header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MirroredHeader {
    /// The header's name in lower case, such as `mcp-param-region`.
    pub header: String,
    /// The names of the properties that lead to the argument, outermost first.
    pub path: Vec<String>,
}

impl MirroredHeader {
    /// The argument at `path` is repeated in the header `Mcp-Param-{name}`.
    #[must_use]
    pub fn new(name: &str, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            header: format!("{PREFIX}{}", name.to_ascii_lowercase()),
            path: path.into_iter().map(Into::into).collect(),
        }
    }
}

/// The annotated arguments of an input schema, in the order of the schema.
///
/// # Errors
///
/// When an annotation breaks a rule of the specification; the text names its place. Clients drop a
/// tool with such an annotation from their list, so it is better not to offer it at all.
pub(crate) fn mirrored_headers(input_schema: &Value) -> Result<Vec<MirroredHeader>, String> {
    let mut walk = Walk::default();
    if let Value::Object(root) = input_schema {
        if root.contains_key(ANNOTATION) {
            return Err(format!(
                "`{ANNOTATION}` at the root: only a property may have it"
            ));
        }
        walk.members(root, &Place::Root)?;
    }
    Ok(walk.found)
}

/// Where in the schema the walk is; each place knows the one it was reached from.
enum Place<'a> {
    Root,
    /// The schema of a property, with the place of the schema that names the property.
    Property(&'a Self, &'a str),
    /// Under any other keyword.
    Member(&'a Self, &'a str),
    /// A member of an array.
    Index(&'a Self, usize),
}

impl Place<'_> {
    /// The names of the properties from the root, if nothing but properties leads here.
    fn path(&self) -> Option<Vec<String>> {
        match self {
            Self::Root => Some(Vec::new()),
            Self::Property(parent, name) => {
                let mut path = parent.path()?;
                path.push((*name).to_owned());
                Some(path)
            }
            Self::Member(..) | Self::Index(..) => None,
        }
    }

    /// As a JSON pointer.
    fn pointer(&self, pointer: &mut String) {
        // Writing into a string does not fail.
        let _ = match self {
            Self::Root => Ok(()),
            Self::Property(parent, name) => {
                parent.pointer(pointer);
                write!(pointer, "/properties/{}", escaped(name))
            }
            Self::Member(parent, name) => {
                parent.pointer(pointer);
                write!(pointer, "/{}", escaped(name))
            }
            Self::Index(parent, index) => {
                parent.pointer(pointer);
                write!(pointer, "/{index}")
            }
        };
    }

    fn wrong(&self, why: &str) -> String {
        let mut pointer = String::new();
        self.pointer(&mut pointer);
        format!("`{ANNOTATION}` at `{pointer}`: {why}")
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[derive(Default)]
struct Walk {
    found: Vec<MirroredHeader>,
}

impl Walk {
    /// A schema, or anything that may contain one.
    fn any(&mut self, value: &Value, place: &Place<'_>) -> Result<(), String> {
        match value {
            Value::Object(schema) => self.schema(schema, place),
            Value::Array(members) => {
                let mut members = members.iter().enumerate();
                members.try_for_each(|(index, value)| self.any(value, &Place::Index(place, index)))
            }
            _ => Ok(()),
        }
    }

    fn schema(&mut self, schema: &Map<String, Value>, place: &Place<'_>) -> Result<(), String> {
        if let Some(annotation) = schema.get(ANNOTATION) {
            let header = self.annotation(annotation, schema, place)?;
            self.found.push(header);
        }
        self.members(schema, place)
    }

    fn members(&mut self, schema: &Map<String, Value>, place: &Place<'_>) -> Result<(), String> {
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, schema) in properties {
                        self.any(schema, &Place::Property(place, name))?;
                    }
                }
                (
                    keyword @ ("$defs" | "definitions" | "patternProperties" | "dependentSchemas"),
                    Value::Object(schemas),
                ) => {
                    // The members are named by the author: `x-mcp-header` here is a name.
                    let within = Place::Member(place, keyword);
                    for (name, schema) in schemas {
                        self.any(schema, &Place::Member(&within, name))?;
                    }
                }
                // Values, not schemas: whatever they contain annotates nothing.
                ("const" | "default" | "enum" | "examples" | ANNOTATION, _) => {}
                (keyword, value) => self.any(value, &Place::Member(place, keyword))?,
            }
        }
        Ok(())
    }

    fn annotation(
        &self,
        annotation: &Value,
        schema: &Map<String, Value>,
        place: &Place<'_>,
    ) -> Result<MirroredHeader, String> {
        let path = place.path();
        let path = path.ok_or_else(|| {
            place.wrong(
                "only a chain of `properties` may lead from the root to an annotated property",
            )
        })?;
        let Value::String(name) = annotation else {
            return Err(place.wrong("it must be a string"));
        };
        if name.is_empty() {
            return Err(place.wrong("it must not be empty"));
        }
        if !name.bytes().all(is_tchar) {
            return Err(place.wrong("it must be a token of HTTP (RFC 9110, section 5.6.2)"));
        }
        if !is_primitive(schema.get("type")) {
            return Err(place.wrong("the property's type must be integer, string or boolean"));
        }
        let found = MirroredHeader::new(name, path);
        if self.found.iter().any(|other| other.header == found.header) {
            return Err(place.wrong(&format!("another property is called `{name}` already")));
        }
        Ok(found)
    }
}

/// One of the three types, which may be nullable.
fn is_primitive(kind: Option<&Value>) -> bool {
    let primitive = |kind: &Value| matches!(kind.as_str(), Some("integer" | "string" | "boolean"));
    match kind {
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter(|kind| kind.as_str() != Some("null"));
            kinds.next().is_some_and(primitive) && kinds.next().is_none()
        }
        Some(kind) => primitive(kind),
        None => false,
    }
}

const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(properties: &Value) -> Result<Vec<(String, String)>, String> {
        let schema = json!({"type": "object", "properties": properties});
        let headers = mirrored_headers(&schema)?;
        let shown = |header: MirroredHeader| (header.header, header.path.join("/"));
        Ok(headers.into_iter().map(shown).collect())
    }

    fn fault(schema: &Value) -> String {
        mirrored_headers(schema).unwrap_err()
    }

    fn pair(header: &str, path: &str) -> (String, String) {
        (header.to_owned(), path.to_owned())
    }

    #[test]
    fn a_schema_without_annotations_has_no_headers() {
        assert_eq!(found(&json!({"query": {"type": "string"}})), Ok(vec![]));
        assert_eq!(mirrored_headers(&json!(true)), Ok(vec![]));
        assert_eq!(mirrored_headers(&json!({"type": "object"})), Ok(vec![]));
    }

    #[test]
    fn the_three_primitive_types_may_be_annotated() {
        for kind in [
            json!("string"),
            json!("integer"),
            json!("boolean"),
            json!(["string", "null"]),
        ] {
            let properties = json!({"region": {"type": kind, "x-mcp-header": "Region"}});
            assert_eq!(
                found(&properties),
                Ok(vec![pair("mcp-param-region", "region")])
            );
        }
    }

    #[test]
    fn nested_properties_are_found_with_their_path() {
        let properties = json!({
            "where": {"type": "object", "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"},
            }},
            "tenant": {"type": "integer", "x-mcp-header": "Tenant-Id"},
        });
        let mut headers = found(&properties).unwrap();
        headers.sort();
        let expected = [
            pair("mcp-param-region", "where/region"),
            pair("mcp-param-tenant-id", "tenant"),
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn properties_may_be_called_like_keywords() {
        let properties = json!({
            "items": {"type": "string", "x-mcp-header": "Items"},
            "properties": {"type": "object", "properties": {
                "x-mcp-header": {"type": "boolean", "x-mcp-header": "Flag"},
            }},
        });
        let mut headers = found(&properties).unwrap();
        headers.sort();
        let expected = [
            pair("mcp-param-flag", "properties/x-mcp-header"),
            pair("mcp-param-items", "items"),
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn names_are_tokens() {
        for name in ["", "a b", "a\r\nb", "a:b", "größe", "a/b", "a\tb", "\u{7f}"] {
            let error = found(&json!({"a": {"type": "string", "x-mcp-header": name}}));
            let error = error.unwrap_err();
            assert!(error.contains("/properties/a`"), "{error}");
        }
        for name in [json!(1), json!(null), json!(["a"]), json!({})] {
            let error = found(&json!({"a": {"type": "string", "x-mcp-header": name}}));
            assert!(error.unwrap_err().contains("must be a string"));
        }
        let every = "!#$%&'*+-.^_`|~azAZ09";
        assert!(found(&json!({"a": {"type": "string", "x-mcp-header": every}})).is_ok());
    }

    #[test]
    fn names_are_unique_in_any_case() {
        let schema = json!({"properties": {
            "a": {"type": "string", "x-mcp-header": "Region"},
            "b": {"properties": {"c": {"type": "string", "x-mcp-header": "REGION"}}},
        }});
        assert!(fault(&schema).contains("already"));
    }

    #[test]
    fn other_types_are_refused() {
        let kinds = [
            json!("number"),
            json!("object"),
            json!("array"),
            json!("null"),
            json!(["string", "integer"]),
            json!(["null"]),
            json!(null),
        ];
        for kind in kinds {
            let error = found(&json!({"a": {"type": kind, "x-mcp-header": "A"}})).unwrap_err();
            assert!(error.contains("integer, string or boolean"), "{error}");
        }
        let error = found(&json!({"a": {"x-mcp-header": "A"}})).unwrap_err();
        assert!(error.contains("integer, string or boolean"), "{error}");
    }

    #[test]
    fn an_annotation_off_the_chain_of_properties_is_refused_with_its_place() {
        let annotated = json!({"type": "string", "x-mcp-header": "A"});
        let object = json!({"properties": {"a": annotated}});
        let places = [
            (
                json!({"properties": {"a": {"items": annotated}}}),
                "/properties/a/items`",
            ),
            (
                json!({"properties": {"a": {"items": object}}}),
                "/properties/a/items/properties/a`",
            ),
            (
                json!({"properties": {"a": {"prefixItems": [annotated]}}}),
                "/properties/a/prefixItems/0`",
            ),
            (
                json!({"properties": {"a": {"contains": annotated}}}),
                "/properties/a/contains`",
            ),
            (json!({"oneOf": [object]}), "/oneOf/0/properties/a`"),
            (json!({"anyOf": [{}, object]}), "/anyOf/1/properties/a`"),
            (json!({"allOf": [object]}), "/allOf/0/properties/a`"),
            (json!({"not": object}), "/not/properties/a`"),
            (json!({"if": object}), "/if/properties/a`"),
            (json!({"then": object}), "/then/properties/a`"),
            (json!({"else": object}), "/else/properties/a`"),
            (json!({"$defs": {"b/c": annotated}}), "/$defs/b~1c`"),
            (
                json!({"definitions": {"x-mcp-header": object}}),
                "/definitions/x-mcp-header/properties/a`",
            ),
            (
                json!({"additionalProperties": annotated}),
                "/additionalProperties`",
            ),
            (
                json!({"patternProperties": {"^a": annotated}}),
                "/patternProperties/^a`",
            ),
            (
                json!({"dependentSchemas": {"a": object}}),
                "/dependentSchemas/a/properties/a`",
            ),
        ];
        for (schema, place) in places {
            let error = fault(&schema);
            assert!(error.contains(place), "{error} does not name {place}");
        }
        assert!(fault(&annotated).contains("at the root"));
    }

    #[test]
    fn values_in_a_schema_annotate_nothing() {
        let value = json!({"x-mcp-header": "A"});
        let schema = json!({"default": value, "examples": [value], "properties": {
            "a": {"const": value}, "b": {"enum": [value]},
        }});
        assert_eq!(mirrored_headers(&schema), Ok(vec![]));
    }
}
