//! What a URL says: the parts of its path, and its query.

use http::Uri;
use tidewire_hub_proto::channel::DEFAULT_NAMESPACE;
use tidewire_hub_proto::{Channel, Pos, name};

/// A part of the path, counted from 1, as it was sent.
pub(crate) fn part(uri: &Uri, number: usize) -> &str {
    uri.path().split('/').nth(number).unwrap_or("")
}

/// A part of a path with its escapes decoded; `None`: they are malformed, or no UTF-8.
pub(crate) fn decode(part: &str) -> Option<String> {
    unescape(part, false)
}

fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let high = digit(bytes.next())?;
                let low = digit(bytes.next())?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// The parameters of a query, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    ///
    /// A sentence, if an escape is malformed or there are too many parameters.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, String> {
        const MOST: usize = 64;
        let pairs = query
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty());
        let mut parsed = Vec::new();
        for pair in pairs {
            if parsed.len() == MOST {
                return Err(format!("The query has more than {MOST} parameters."));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (unescape(name, true), unescape(value, true)) else {
                return Err("The query has an escape that is no UTF-8, or is not two hexadecimal digits behind %.".into());
            };
            parsed.push((name, value));
        }
        Ok(Self(parsed))
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let same = self.0.iter().filter(move |(known, _)| known == name);
        same.map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on: there, and not `0` or `false`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| !matches!(value, "0" | "false"))
    }

    /// A position.
    ///
    /// # Errors
    ///
    /// A sentence, if it is none.
    pub(crate) fn since(&self) -> Result<Option<Pos>, String> {
        let since = self.get("since").map(str::parse).transpose();
        since.map_err(|error| format!("since: {error}."))
    }

    /// How many records of history come first.
    ///
    /// # Errors
    ///
    /// A sentence, if it is no number.
    pub(crate) fn history(&self) -> Result<u32, String> {
        let history = self.get("history").map(str::parse).transpose();
        let wrong = |_| "history: a number of messages, such as history=20.".to_owned();
        Ok(history.map_err(wrong)?.unwrap_or(0))
    }

    /// What a guest calls itself.
    ///
    /// # Errors
    ///
    /// A sentence, if it may not be called that.
    pub(crate) fn name(&self) -> Result<Option<Box<str>>, String> {
        let name = self.get("name").map(name::guest_name).transpose();
        name.map_err(|error| format!("name: {error}."))
    }
}

/// The channel that a path names.
///
/// # Errors
///
/// A sentence that says what is wrong with it.
pub(crate) fn channel(part: &str) -> Result<Channel, String> {
    let name = decode(part).ok_or(
        "The channel in the path has an escape that is no UTF-8, or is not two hexadecimal digits behind %.",
    )?;
    Channel::parse(&name).map_err(|error| format!("The channel in the path: {error}."))
}

/// The channel of a chat room: always one of `chat`, whatever the name.
///
/// # Errors
///
/// As [`channel`].
pub(crate) fn room(part: &str) -> Result<Channel, String> {
    channel(&format!("{DEFAULT_NAMESPACE}:{part}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_decoded_and_bad_ones_are_told() {
        assert_eq!(channel("lobby").unwrap().as_str(), "chat:lobby");
        assert_eq!(channel("live%3Aa%2Fb+c").unwrap().as_str(), "live:a/b+c");
        assert_eq!(channel("caf%C3%A9").unwrap().as_str(), "chat:café");
        assert_eq!(room("dm%3Aann").unwrap().as_str(), "chat:dm:ann");
        for bad in [
            "", "%", "%4", "%zz", "%+1", "%ff", "a%00b", "UPPER:x", ":x", "x:",
        ] {
            assert!(channel(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_decoded_bounded_and_judged() {
        let query = Query::parse(Some("echo=1&hello&presence=0&name=Ann+B%C3%A9&echo=0")).unwrap();
        assert!(query.is_on("echo") && query.is_on("hello"));
        assert!(!query.is_on("presence") && !query.is_on("history"));
        assert_eq!(query.name().unwrap().as_deref(), Some("Ann Bé"));
        assert!(Query::parse(Some("a=%f")).is_err());
        assert!(Query::parse(Some(&"a&".repeat(65))).is_err());
        let wrong = Query::parse(Some("since=x&history=-1&name=%00")).unwrap();
        assert!(wrong.since().is_err() && wrong.history().is_err() && wrong.name().is_err());
    }
}
