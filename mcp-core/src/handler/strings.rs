//! Values whose every member came as text: URI variables and the arguments of prompts.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{
    de::{
        DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor,
        value::{CowStrDeserializer, Error, MapDeserializer},
    },
    forward_to_deserialize_any,
};

use super::args::located;

/// The texts by name.
pub(crate) type Texts<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// Reads a JSON object of texts as `T`.
pub(super) fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let texts = texts(json)?;
    let members = texts.into_iter().map(|(name, text)| (name, Text(text)));
    serde_path_to_error::deserialize(MapDeserializer::<_, Error>::new(members))
        .map_err(|error| located(error.path(), &error.inner().to_string()))
}

/// Reads a JSON object of texts.
pub(crate) fn texts(json: &[u8]) -> Result<Texts<'_>, String> {
    let mut json = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| located(error.path(), "every argument is a string"))
}

/// One text, read as what the type asks for.
struct Text<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, Error> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident: $expected:literal,)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::custom(concat!("expected ", $expected))),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    parsed! {
        deserialize_bool => visit_bool: "`true` or `false`",
        deserialize_i8 => visit_i8: "an integer from -128 to 127",
        deserialize_i16 => visit_i16: "an integer from -32768 to 32767",
        deserialize_i32 => visit_i32: "a 32-bit integer",
        deserialize_i64 => visit_i64: "a 64-bit integer",
        deserialize_i128 => visit_i128: "a 128-bit integer",
        deserialize_u8 => visit_u8: "an integer from 0 to 255",
        deserialize_u16 => visit_u16: "an integer from 0 to 65535",
        deserialize_u32 => visit_u32: "a 32-bit integer that is not negative",
        deserialize_u64 => visit_u64: "a 64-bit integer that is not negative",
        deserialize_u128 => visit_u128: "a 128-bit integer that is not negative",
        deserialize_f32 => visit_f32: "a number",
        deserialize_f64 => visit_f64: "a number",
        deserialize_char => visit_char: "one character",
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        CowStrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}
