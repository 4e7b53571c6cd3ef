//! The fields of one command object, found but not yet read.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Every field that a command may have; others are ignored.
const KNOWN: [&str; 18] = [
    "op", "id", "channel", "since", "history", "presence", "data", "text", "base64", "key", "keep",
    "echo", "after", "before", "limit", "client", "name", "binary",
];

/// The fields as they were written; nothing is copied.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a str>; KNOWN.len()],
    /// A field that came twice.
    pub(super) twice: Option<&'static str>,
}

impl<'a> Fields<'a> {
    /// Takes an object apart.
    ///
    /// # Errors
    ///
    /// The text is no JSON object.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(Object)?;
        reader.end()?;
        Ok(fields)
    }

    /// The JSON of a field. `null` means that there is none.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.get_or_null(name).filter(|json| *json != "null")
    }

    /// The JSON of a field in which `null` is a value like others.
    pub(super) fn get_or_null(&self, name: &str) -> Option<&'a str> {
        let at = KNOWN.iter().position(|known| *known == name)?;
        self.values.get(at).copied().flatten()
    }
}

/// What a field's name is.
enum Name {
    Known(usize),
    Other,
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_str<E>(self, text: &str) -> Result<Name, E> {
                let at = KNOWN.iter().position(|known| *known == text);
                Ok(at.map_or(Name::Other, Name::Known))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<Name>()? {
            let Name::Known(at) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'de RawValue = map.next_value()?;
            if let Some(place) = fields.values.get_mut(at)
                && place.replace(value.get()).is_some()
            {
                fields.twice = KNOWN.get(at).copied();
            }
        }
        Ok(fields)
    }
}
