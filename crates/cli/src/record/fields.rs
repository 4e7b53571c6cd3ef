//! A JSON object of unknown origin: each field is judged when it is asked for, and named when it is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The fields of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Fields<'a>, String> {
        value
            .as_object()
            .map(Fields)
            .ok_or_else(|| "must be an object".to_owned())
    }

    /// A field, if it is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| format!("{name:?} must be a text")))
            .transpose()
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, String> {
        self.get(name)
            .map(|value| value.as_f64().ok_or_else(|| format!("{name:?} must be a number")))
            .transpose()
    }

    /// A whole number from 0 to `most`.
    pub(super) fn whole(&self, name: &str, most: u32) -> Result<Option<u32>, String> {
        self.get(name)
            .map(|value| {
                value
                    .as_u64()
                    .and_then(|number| u32::try_from(number).ok())
                    .filter(|number| *number <= most)
                    .ok_or_else(|| format!("{name:?} must be a whole number up to {most}"))
            })
            .transpose()
    }

    /// A field in base64.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let wrong = |_| format!("{name:?} must be base64");
        self.text(name)?
            .map(|text| STANDARD.decode(text).map_err(wrong))
            .transpose()
    }

    /// An object in a field.
    pub(super) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, String> {
        self.get(name)
            .map(|value| Fields::of(value).map_err(|wrong| format!("{name:?} {wrong}")))
            .transpose()
    }
}
