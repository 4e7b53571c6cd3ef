//! The grammar of the header values in a handshake: tokens, token lists, extension lists.
//!
//! Everything works on bytes, so that no value a peer sends (obs-text, controls) can panic; tokens
//! come out as `&str` because they are ASCII by definition.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Why a list in a header value is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// The header is there, but the list has no element (`1#element`).
    Empty,
    /// An element, or a parameter's name or value, is not a token (RFC 9110 §5.6.2).
    NotAToken,
    /// A quoted string does not end, or holds what is not a token (RFC 6455 §9.1).
    QuotedString,
    /// Something other than `,` or `;` follows an element.
    Separator,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the list is empty; leave the header out instead",
            Self::NotAToken => "only letters, digits and !#$%&'*+-.^_`|~ may stand in a name",
            Self::QuotedString => "a quoted value must be closed and hold a token",
            Self::Separator => "elements are separated by commas, parameters by semicolons",
        })
    }
}

impl std::error::Error for ListError {}

/// Whether a byte may stand in a token: tchar, RFC 9110 §5.6.2.
#[must_use]
pub const fn is_tchar(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
        | b'|' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// A token as text; None if the bytes are not one (at least one tchar, nothing else).
#[must_use]
pub fn token(bytes: &[u8]) -> Option<&str> {
    if bytes.is_empty() || !bytes.iter().copied().all(is_tchar) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// The bytes without the spaces and tabs around them (OWS, RFC 9110 §5.6.3).
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// How often a header is there, and its value if that is once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count<'a> {
    /// It is not there.
    Missing,
    /// It is there on exactly one line.
    Once(&'a HeaderValue),
    /// It is there on more than one line.
    Repeated,
}

/// Counts the lines of a header, for those that may be there only once.
#[must_use]
pub fn count<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Count<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Count::Missing,
        (Some(value), None) => Count::Once(value),
        (Some(_), Some(_)) => Count::Repeated,
    }
}

/// The elements of a comma-separated list that may be spread over several lines (RFC 9110 §5.3,
/// §5.6.1), trimmed. Empty elements are skipped, as recipients must.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// All tokens of a list header, in order, over all its lines. No line: an empty list.
///
/// # Errors
/// [`ListError::NotAToken`], and [`ListError::Empty`] when there are lines but no element.
pub fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, ListError> {
    let list = elements(headers, name)
        .map(|element| token(element).ok_or(ListError::NotAToken))
        .collect::<Result<Vec<_>, _>>()?;
    if list.is_empty() && headers.contains_key(name) {
        return Err(ListError::Empty);
    }
    Ok(list)
}

/// Whether a list header has an element equal to `wanted`, ASCII case-insensitively (RFC 6455
/// §4.2.1 items 3 and 4). Elements may be `name/version`, as those of Upgrade (RFC 9110 §7.8).
///
/// # Errors
/// [`ListError::NotAToken`] if any element is neither.
pub fn names(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> Result<bool, ListError> {
    let mut found = false;
    for element in elements(headers, name) {
        let mut parts = element.splitn(2, |&byte| byte == b'/');
        if !parts.all(|part| token(part).is_some()) {
            return Err(ListError::NotAToken);
        }
        found |= element.eq_ignore_ascii_case(wanted.as_bytes());
    }
    Ok(found)
}

/// Like [`names`], for callers that only route: malformed neighbours are passed over.
pub(super) fn mentions(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// One element of `Sec-WebSocket-Extensions`: a name and its parameters, in order, as they came
/// (repeated parameters included: whether they may be is for the extension to say).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The extension's token, in the spelling of the peer.
    pub name: &'a str,
    /// Parameter names and values; values are unquoted and unescaped, and are tokens.
    pub params: Vec<(&'a str, Option<Cow<'a, str>>)>,
}

impl Extension<'_> {
    /// The parameters as plain tuples.
    #[must_use]
    pub fn tuples(&self) -> Vec<(&str, Option<&str>)> {
        self.params
            .iter()
            .map(|(name, value)| (*name, value.as_deref()))
            .collect()
    }
}

/// The extensions of a header, in order, over all its lines (RFC 6455 §9.1):
/// `1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )`. Spaces and tabs may stand
/// between any two parts (implied LWS of RFC 2616). No line: an empty list.
///
/// # Errors
/// [`ListError`] at the first part that breaks the grammar.
pub fn extensions<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Vec<Extension<'a>>, ListError> {
    let mut list = Vec::new();
    for line in headers.get_all(name) {
        let mut cursor = Cursor {
            rest: trim(line.as_bytes()),
        };
        while !cursor.rest.is_empty() {
            if cursor.skip(b',') {
                continue; // an empty element
            }
            list.push(cursor.extension()?);
            if !cursor.rest.is_empty() && !cursor.skip(b',') {
                return Err(ListError::Separator);
            }
        }
    }
    if list.is_empty() && headers.contains_key(name) {
        return Err(ListError::Empty);
    }
    Ok(list)
}

/// A place in one header line; leading spaces are gone after each step.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn advance(&mut self, by: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(by.min(self.rest.len()));
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.rest = rest.get(blanks..).unwrap_or_default();
        taken
    }

    fn skip(&mut self, byte: u8) -> bool {
        let here = self.rest.first() == Some(&byte);
        if here {
            self.advance(1);
        }
        here
    }

    fn token(&mut self) -> Result<&'a str, ListError> {
        let length = self.rest.iter().take_while(|&&byte| is_tchar(byte)).count();
        token(self.advance(length)).ok_or(ListError::NotAToken)
    }

    fn extension(&mut self) -> Result<Extension<'a>, ListError> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.skip(b';') {
            let param = self.token()?;
            let value = match (self.skip(b'='), self.rest.first()) {
                (false, _) => None,
                (true, Some(b'"')) => Some(Cow::Owned(self.quoted()?)),
                (true, _) => Some(Cow::Borrowed(self.token()?)),
            };
            params.push((param, value));
        }
        Ok(Extension { name, params })
    }

    /// A quoted string, unescaped. "When using the quoted-string syntax variant, the value after
    /// quoted-string unescaping MUST conform to the 'token' ABNF" (RFC 6455 §9.1).
    fn quoted(&mut self) -> Result<String, ListError> {
        let mut value = Vec::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.advance(at + 1);
                    let text = token(&value).ok_or(ListError::QuotedString)?;
                    return Ok(text.to_owned());
                }
                b'\\' => match bytes.next() {
                    Some((_, &escaped)) => value.push(escaped),
                    None => return Err(ListError::QuotedString),
                },
                _ => value.push(byte),
            }
        }
        Err(ListError::QuotedString)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::header::{CONNECTION, SEC_WEBSOCKET_EXTENSIONS, UPGRADE};

    fn headers(name: HeaderName, lines: &[&[u8]]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(name.clone(), HeaderValue::from_bytes(line).unwrap());
        }
        map
    }

    #[test]
    fn token_lists_are_case_insensitive_and_span_lines() {
        for (name, lines, expected) in [
            ("plain", &[&b"Upgrade"[..]] as &[&[u8]], Ok(true)),
            ("lower", &[b"upgrade"], Ok(true)),
            ("firefox", &[b"keep-alive, Upgrade"], Ok(true)),
            (
                "no space, tabs, empties",
                &[b",keep-alive,\tUPGRADE ,,"],
                Ok(true),
            ),
            ("second line", &[b"keep-alive", b"Upgrade"], Ok(true)),
            ("another token", &[b"keep-alive"], Ok(false)),
            ("as a part of a token", &[b"upgraded, x-upgrade"], Ok(false)),
            ("empty", &[b""], Ok(false)),
            ("none", &[], Ok(false)),
            (
                "not a token",
                &[b"keep alive, Upgrade"],
                Err(ListError::NotAToken),
            ),
            (
                "not ASCII",
                &[b"Upgrade, \xff\xfe"],
                Err(ListError::NotAToken),
            ),
        ] {
            let map = headers(CONNECTION, lines);
            assert_eq!(names(&map, &CONNECTION, "upgrade"), expected, "{name}");
        }
        let map = headers(UPGRADE, &[b"HTTP/2.0, WebSocket"]);
        assert_eq!(names(&map, &UPGRADE, "websocket"), Ok(true));
        let map = headers(UPGRADE, &[b"websocket/13"]);
        assert_eq!(names(&map, &UPGRADE, "websocket"), Ok(false));
    }

    fn parsed(lines: &[&[u8]]) -> Result<String, ListError> {
        let map = headers(SEC_WEBSOCKET_EXTENSIONS, lines);
        let list = extensions(&map, &SEC_WEBSOCKET_EXTENSIONS)?;
        Ok(list
            .iter()
            .map(|extension| format!("{}{:?}", extension.name, extension.tuples()))
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn extension_lists_parse_as_the_rfc_writes_them() {
        for (name, lines, expected) in [
            ("none", &[] as &[&[u8]], ""),
            ("one", &[b"foo"], "foo[]"),
            (
                "RFC 6455 §9.1",
                &[b"foo", b"bar; baz=2"],
                r#"foo[] bar[("baz", Some("2"))]"#,
            ),
            (
                "one line",
                &[b"foo, bar; baz=2"],
                r#"foo[] bar[("baz", Some("2"))]"#,
            ),
            ("no value", &[b"a;b;c"], r#"a[("b", None), ("c", None)]"#),
            ("quoted", &[b"a; b=\"10\""], r#"a[("b", Some("10"))]"#),
            ("escaped", &[b"a; b=\"1\\0\""], r#"a[("b", Some("10"))]"#),
            (
                "spaces",
                &[b" a ;\tb = 1 , c "],
                r#"a[("b", Some("1"))] c[]"#,
            ),
            ("empty elements", &[b",, a ,,b,"], "a[] b[]"),
            (
                "repeated parameter",
                &[b"a;b;b=1"],
                r#"a[("b", None), ("b", Some("1"))]"#,
            ),
        ] {
            assert_eq!(parsed(lines).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn broken_extension_lists_are_told_apart() {
        for (name, line, expected) in [
            ("empty", &b""[..], ListError::Empty),
            ("only commas", b" , ,", ListError::Empty),
            ("no name", b";a", ListError::NotAToken),
            ("no parameter", b"a;", ListError::NotAToken),
            ("no parameter, more", b"a;;b", ListError::NotAToken),
            ("no value", b"a;b=", ListError::NotAToken),
            ("two words", b"a b", ListError::Separator),
            ("two words after a value", b"a;b=1 c", ListError::Separator),
            ("not ASCII", b"\xc3\xa9", ListError::NotAToken),
            ("unclosed", b"a;b=\"1", ListError::QuotedString),
            ("unclosed escape", b"a;b=\"1\\", ListError::QuotedString),
            ("empty quotes", b"a;b=\"\"", ListError::QuotedString),
            ("a space in quotes", b"a;b=\"1 0\"", ListError::QuotedString),
            ("a comma in quotes", b"a;b=\"1,c\"", ListError::QuotedString),
            ("text after quotes", b"a;b=\"1\"2", ListError::Separator),
        ] {
            assert_eq!(parsed(&[line]), Err(expected), "{name}");
        }
    }
}
