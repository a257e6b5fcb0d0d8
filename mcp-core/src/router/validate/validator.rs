//! A schema, compiled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jsonschema::Validator;
use serde_json::Value;

use super::violation;
use crate::handler::{SchemaOrigin, says_more_than_object, survey, without_position};

/// How many values a document may consist of for its violations to be looked for one by one.
///
/// They are all found before the first is known, and each takes some memory.
const MAX_EXPLAINED: usize = 2048;

/// What checks values against one schema.
#[derive(Debug)]
pub(super) struct SchemaValidator(Validator);

impl SchemaValidator {
    /// Compiles a schema; nothing, when it says no more than its origin enforces.
    ///
    /// The dialect is 2020-12, unless `$schema` names another. `format` is a hint in all of them.
    pub(super) fn compile(schema: &Value, origin: SchemaOrigin) -> Result<Option<Self>, String> {
        let says_more = match origin {
            SchemaOrigin::Type => false,
            SchemaOrigin::LimitedType => true,
            SchemaOrigin::Author => says_more_than_object(schema),
        };
        if !says_more {
            return Ok(None);
        }
        survey(schema)?;
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .build(schema);
        match validator {
            Ok(validator) => Ok(Some(Self(validator))),
            Err(error) => Err(violation::located(&error)),
        }
    }

    /// Checks a JSON text; the error says what breaks the schema, and where.
    pub(super) fn check(&self, json: &[u8]) -> Result<(), String> {
        let value = match serde_json::from_slice(json) {
            Ok(value) => value,
            Err(error) => return Err(without_position(&error)),
        };
        catch_unwind(AssertUnwindSafe(|| self.check_value(&value))).unwrap_or_else(|_| {
            tracing::error!("a validator panicked");
            Err("the schema could not be applied".to_owned())
        })
    }

    fn check_value(&self, value: &Value) -> Result<(), String> {
        if self.0.is_valid(value) {
            Ok(())
        } else if has_more_values(value, MAX_EXPLAINED) {
            Err("the schema is broken by a value too large to say where".to_owned())
        } else {
            Err(violation::list(self.0.iter_errors(value)))
        }
    }
}

/// Whether a document consists of more than so many values.
fn has_more_values(value: &Value, most: usize) -> bool {
    let mut pending = vec![value];
    let mut count = 0;
    while let Some(value) = pending.pop() {
        count += 1;
        match value {
            Value::Array(items) => pending.extend(items),
            Value::Object(members) => pending.extend(members.values()),
            _ => {}
        }
        if count + pending.len() > most {
            return true;
        }
    }
    false
}
