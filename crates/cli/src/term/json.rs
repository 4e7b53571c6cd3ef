//! JSON as a person reads and types it: indented or compacted without touching a number, a string or
//! the order of keys, and whether a typed one is not closed yet.

use serde::de::IgnoredAny;

/// A piece of JSON, as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// `{` or `[`.
    Open(char),
    /// `}` or `]`.
    Close(char),
    Comma,
    Colon,
    /// A string, a number, a word; as it stands.
    Scalar(&'a str),
}

/// The pieces of a text that is known to be JSON.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        let (token, length) = match first {
            '{' | '[' => (Token::Open(first), 1),
            '}' | ']' => (Token::Close(first), 1),
            ',' => (Token::Comma, 1),
            ':' => (Token::Colon, 1),
            '"' => {
                let length = string_length(self.0);
                (Token::Scalar(&self.0[..length]), length)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '}' | ']');
                let length = self.0.find(ends).unwrap_or(self.0.len()).max(1);
                (Token::Scalar(&self.0[..length]), length)
            }
        };
        self.0 = &self.0[length..];
        Some(token)
    }
}

/// How long the string at the start of `text` is, with its quotes; all of `text` if it has no end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether `text` is an object or an array.
pub(crate) fn is_structure(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Over several lines, if `text` is an object or an array. Ends soon after `limit` bytes.
pub(crate) fn pretty(text: &str, limit: usize) -> Option<String> {
    if !is_structure(text) {
        return None;
    }
    let mut out = String::with_capacity(text.len().min(limit) * 2);
    let mut depth = 0;
    let mut tokens = Tokens(text).peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(c) => {
                out.push(c);
                if let Some(&Token::Close(end)) = tokens.peek() {
                    out.push(end);
                    tokens.next();
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            Token::Close(c) => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            Token::Comma => {
                out.push(',');
                new_line(&mut out, depth);
            }
            Token::Colon => out.push_str(": "),
            Token::Scalar(text) => out.push_str(text),
        }
        if out.len() > limit {
            break;
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// On one line, without spaces between its parts.
///
/// # Errors
/// When `text` is not JSON: a sentence with the place.
pub(crate) fn compact(text: &str) -> Result<String, String> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(format!("not JSON: {error}"));
    }
    let mut out = String::with_capacity(text.len());
    for token in Tokens(text) {
        match token {
            Token::Open(c) | Token::Close(c) => out.push(c),
            Token::Comma => out.push(','),
            Token::Colon => out.push(':'),
            Token::Scalar(text) => out.push_str(text),
        }
    }
    Ok(out)
}

/// The keys of the objects in `text`, without their quotes, if it is an object or an array.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = &str> {
    let text = if is_structure(text) { text } else { "" };
    let mut tokens = Tokens(text).peekable();
    std::iter::from_fn(move || {
        loop {
            let token = tokens.next()?;
            if let Token::Scalar(key) = token
                && tokens.peek() == Some(&Token::Colon)
            {
                return Some(key.trim_matches('"'));
            }
        }
    })
}

/// Whether a typed entry opened a `{` or `[` that is not closed. One that could never become JSON
/// does not go on: it is a message like any other.
pub(crate) fn goes_on(text: &str) -> bool {
    if !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let mut open = Vec::new();
    for token in Tokens(text) {
        match token {
            Token::Open(c) => open.push(c),
            Token::Close(c) => match (open.pop(), c) {
                (Some('{'), '}') | (Some('['), ']') => {}
                _ => return false,
            },
            _ => {}
        }
    }
    !open.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pretty_changes_nothing_but_space() {
        let text = r#"{"z":1.10,"a":[1e400,-0, 12345678901234567890123 ,{}],"s":"\u00e9 {,}: \"x\\","e":[ ],"z":null}"#;
        assert_eq!(
            pretty(text, 10_000).unwrap(),
            "{\n  \"z\": 1.10,\n  \"a\": [\n    1e400,\n    -0,\n    12345678901234567890123,\n    {}\n  ],\n  \
             \"s\": \"\\u00e9 {,}: \\\"x\\\\\",\n  \"e\": [],\n  \"z\": null\n}"
        );
        assert_eq!(
            compact(&pretty(text, 10_000).unwrap()).unwrap(),
            r#"{"z":1.10,"a":[1e400,-0,12345678901234567890123,{}],"s":"\u00e9 {,}: \"x\\","e":[],"z":null}"#
        );
    }

    #[test]
    fn what_is_no_structure_stays_as_it_is() {
        for text in [
            "",
            "1",
            "\"{}\"",
            "{",
            "{]",
            "[1,]",
            "{\"a\" 1}",
            "{} x",
            "[1}",
        ] {
            assert_eq!(pretty(text, 1000), None, "{text:?}");
        }
        assert!(compact("[1,]").unwrap_err().starts_with("not JSON: "));
        assert_eq!(compact(" 1.0 ").unwrap(), "1.0");
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        assert_eq!(pretty(&"[".repeat(100_000), 1000), None);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(pretty(&deep, 1000).unwrap().len() < 1500);
        let wide = format!(
            "{}{}{}",
            "[".repeat(100),
            "0,".repeat(100_000) + "0",
            "]".repeat(100)
        );
        assert!(pretty(&wide, 1000).unwrap().len() < 1500);
        assert!(goes_on(&"[".repeat(100_000)));
    }

    #[test]
    fn keys_are_found_at_every_depth_and_values_are_not() {
        let text = r#"{"a":"b","c":[{"d":{"e f":"g"}}],"a":1}"#;
        assert_eq!(keys(text).collect::<Vec<_>>(), ["a", "c", "d", "e f", "a"]);
        assert_eq!(keys("\"a\":1").count(), 0);
    }

    #[test]
    fn an_entry_goes_on_until_what_it_opened_is_closed() {
        for (text, on) in [
            ("", false),
            ("hello {", false),
            ("{", true),
            ("  [1,", true),
            ("{\"a\":\"}\"", true),
            ("{\"a\":\"}\"}", false),
            ("{\"a\":\"\\\"}", true),
            ("{\"a", true),
            ("[{]", false),
            ("[}", false),
            ("{}", false),
            ("[1][", true),
            ("[info] started", false),
        ] {
            assert_eq!(goes_on(text), on, "{text:?}");
        }
    }
}
