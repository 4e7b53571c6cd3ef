//! What is written in the settings `hosts` and `origins`.

use super::authority::{Authority, Web};
use std::fmt;
use std::str::FromStr;

/// A Host that the hub answers to: `app.example`, with any port, or `app.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule(Authority);

impl HostRule {
    pub(super) fn admits(&self, host: &Authority) -> bool {
        self.0.name == host.name && (self.0.port.is_none() || self.0.port == host.port)
    }
}

impl FromStr for HostRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        if let Some(authority) = Authority::parse(text) {
            return Ok(Self(authority));
        }
        let sentence = if text.contains('*') {
            format!("\"{text}\" is not a host: write every name in full, for example app.example")
        } else if let Some(origin) = Web::parse(text.trim_end_matches('/')) {
            format!(
                "\"{text}\" is an origin, and a host is wanted: write {}",
                origin.authority
            )
        } else {
            format!("\"{text}\" is not a host: write for example app.example or app.example:8443")
        };
        Err(InvalidRule(sentence))
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Pages that may use the hub: `https://app.example`, or `any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRule(Allowed);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    Any,
    One(Web),
}

impl OriginRule {
    pub(super) fn admits(&self, page: Option<&Web>) -> bool {
        match &self.0 {
            Allowed::Any => true,
            Allowed::One(one) => page == Some(one),
        }
    }
}

impl FromStr for OriginRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        if text == "any" {
            return Ok(Self(Allowed::Any));
        }
        let bare = Web::parse(text.trim_end_matches('/'));
        let sentence = match Web::parse(text) {
            Some(origin) if origin.scheme == "ws" || origin.scheme == "wss" => format!(
                "\"{text}\" is the server's address, and a page's is wanted: write http{}",
                origin.to_string().trim_start_matches("ws")
            ),
            Some(origin) => return Ok(Self(Allowed::One(origin))),
            None if text.contains('*') => format!(
                "\"{text}\" is not an origin: write each in full, as https://app.example, or \"any\" \
                 to let in the pages of everybody"
            ),
            None if text == "null" => {
                "\"null\" is what any page can make of itself: write \"any\" if \
                 everybody's pages may come in, or serve the page from an http(s) address"
                    .to_owned()
            }
            None if bare.is_some() => format!(
                "\"{text}\" has a path, and an origin has none: write {}",
                bare.map(|origin| origin.to_string()).unwrap_or_default()
            ),
            None if Authority::parse(text).is_some() => {
                format!("\"{text}\" has no scheme: write https://{text} or http://{text}")
            }
            None => format!("\"{text}\" is not an origin: write for example https://app.example"),
        };
        Err(InvalidRule(sentence))
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Allowed::Any => f.write_str("any"),
            Allowed::One(origin) => origin.fmt(f),
        }
    }
}

/// Why a text is no rule: a sentence that says what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRule(String);

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRule {}
