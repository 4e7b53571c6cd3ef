//! The expressions of `--until` and `--expect`: a text, a regular expression, a JSONPath.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;
use tidewire::Message;

/// A test of one message: `TEXT` that is in it, `/REGEX/`, or a JSONPath (RFC 9535) that finds
/// something in it, which may be compared: `$.id==1`, `$.price>=2.5`, `$.name=~/^a/`.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    source: Arc<str>,
    test: Arc<Test>,
}

#[derive(Debug)]
enum Test {
    Text(String),
    Regex(Regex),
    Json(JsonPath, Option<Compare>),
}

#[derive(Debug)]
enum Compare {
    Equal(Value),
    Unequal(Value),
    Less(Value),
    LessOrEqual(Value),
    More(Value),
    MoreOrEqual(Value),
    Like(Regex),
}

/// The operators, those first that begin with another.
const OPERATORS: [&str; 7] = ["==", "!=", "<=", ">=", "=~", "<", ">"];

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(crate) fn parse(source: &str) -> Result<Expr, String> {
        let test = if source.is_empty() {
            return Err(
                "an empty expression is in every message: to wait for any, write --count 1".into(),
            );
        } else if source.starts_with('$') {
            json(source)?
        } else if let Some(regex) = between_slashes(source) {
            Test::Regex(regex?)
        } else {
            Test::Text(source.to_owned())
        };
        Ok(Expr {
            source: source.into(),
            test: Arc::new(test),
        })
    }

    /// As it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether `message` passes. A binary message is looked at as if it were text.
    pub(crate) fn matches(&self, message: &Message) -> bool {
        let bytes = message.as_bytes();
        match &*self.test {
            Test::Text(text) => String::from_utf8_lossy(bytes).contains(text.as_str()),
            Test::Regex(regex) => regex.is_match(&String::from_utf8_lossy(bytes)),
            Test::Json(path, compare) => {
                let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
                    return false;
                };
                let mut found = path.query(&value).into_iter();
                match compare {
                    None => found.next().is_some(),
                    Some(compare) => found.any(|node| compare.holds(node)),
                }
            }
        }
    }
}

/// `/REGEX/` or `/REGEX/i`; None: it is not written so.
fn between_slashes(source: &str) -> Option<Result<Regex, String>> {
    let rest = source.strip_prefix('/')?;
    let (pattern, ignore_case) = match rest.strip_suffix("/i") {
        Some(pattern) => (pattern, true),
        None => (rest.strip_suffix('/')?, false),
    };
    if pattern.is_empty() {
        return None;
    }
    let built = regex::RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .build();
    Some(built.map_err(|error| format!("{source:?} is no regular expression: {error}")))
}

fn json(source: &str) -> Result<Test, String> {
    let (path, compare) = match operator(source) {
        None => (source, None),
        Some((at, operator)) => {
            let right = source[at + operator.len()..].trim();
            (&source[..at], Some(compare(operator, right)?))
        }
    };
    let path = JsonPath::parse(path.trim()).map_err(|error| {
        format!("{path:?} is no JSONPath: {error} (to look for this very text, write /\\{source}/)")
    })?;
    Ok(Test::Json(path, compare))
}

fn compare(operator: &str, right: &str) -> Result<Compare, String> {
    if operator == "=~" {
        let regex = between_slashes(right)
            .ok_or_else(|| format!("{right:?} is no regular expression: write =~/REGEX/"))??;
        return Ok(Compare::Like(regex));
    }
    let quoted = right
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let value = match quoted {
        Some(text) => Value::from(text),
        None => serde_json::from_str(right).map_err(|_| {
            format!("{right:?} is no JSON value: behind {operator} write a number, true, false, null, or a text in quotes")
        })?,
    };
    Ok(match operator {
        "==" => Compare::Equal(value),
        "!=" => Compare::Unequal(value),
        "<=" => Compare::LessOrEqual(value),
        ">=" => Compare::MoreOrEqual(value),
        "<" => Compare::Less(value),
        _ => Compare::More(value),
    })
}

/// The first operator that is neither in quotes nor in the brackets of the path, and where.
fn operator(source: &str) -> Option<(usize, &'static str)> {
    let (mut depth, mut quote, mut escaped) = (0u32, None, false);
    for (at, c) in source.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 => {
                let rest = &source[at..];
                if let Some(found) = OPERATORS.into_iter().find(|op| rest.starts_with(op)) {
                    return Some((at, found));
                }
            }
            (None, _) => {}
        }
    }
    None
}

impl Compare {
    fn holds(&self, node: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match self {
            Compare::Equal(value) => equal(node, value),
            Compare::Unequal(value) => !equal(node, value),
            Compare::Less(value) => order(node, value) == Some(Less),
            Compare::LessOrEqual(value) => matches!(order(node, value), Some(Less | Equal)),
            Compare::More(value) => order(node, value) == Some(Greater),
            Compare::MoreOrEqual(value) => matches!(order(node, value), Some(Greater | Equal)),
            Compare::Like(regex) => node.as_str().is_some_and(|text| regex.is_match(text)),
        }
    }
}

/// 1 and 1.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && order(a, b) == Some(std::cmp::Ordering::Equal))
}

fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matches(expr: &str, text: &str) -> bool {
        Expr::parse(expr).unwrap().matches(&Message::from(text))
    }

    #[test]
    fn texts_and_regular_expressions() {
        assert!(matches("ell", "hello") && !matches("Ell", "hello"));
        assert!(matches("/^h.+o$/", "hello") && !matches("/^e/", "hello"));
        assert!(matches("/HELLO/i", "hello") && !matches("/HELLO/", "hello"));
        assert!(matches("/chat", "GET /chat") && matches("/", "a/b") && matches("//", "http://"));
        let binary = Message::from(&b"\xffok\xfe"[..]);
        assert!(Expr::parse("ok").unwrap().matches(&binary));
    }

    #[test]
    fn paths_find_and_compare() {
        let text =
            r#"{"id":1,"ok":true,"n":null,"px":2.50,"name":"a=='b'","list":[{"k":3},{"k":4}]}"#;
        for expr in [
            "$.id",
            "$.id==1",
            "$.id == 1.0",
            "$.id!=2",
            "$.id<2",
            "$.id<=1",
            "$.px>2",
            "$.px>=2.5",
            "$.ok==true",
            "$.n==null",
            "$.name==\"a=='b'\"",
            "$['name']=~/^a/",
            "$.list[*].k==4",
            "$.list[?@.k==3]",
            "$..k",
            "$.name>'A'",
            "$.list[?@.k>3].k==4",
        ] {
            assert!(matches(expr, text), "{expr}");
        }
        for expr in [
            "$.no",
            "$.no==1",
            "$.no!=1",
            "$.id==2",
            "$.id=='1'",
            "$.id<'2'",
            "$.list[*].k==5",
            "$.id=~/1/",
            "$.list[?@.k==9]",
        ] {
            assert!(!matches(expr, text), "{expr}");
        }
        assert!(!matches("$.id", "no json") && !matches("$", ""));
        assert!(
            !matches("$..a", &"[".repeat(100_000)),
            "deep nesting is refused, not followed"
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (expr, part) in [
            ("", "empty"),
            ("$.", "no JSONPath"),
            ("$5", "write /\\$5/"),
            ("$.a==b", "no JSON value"),
            ("$.a==", "no JSON value"),
            ("$.a=~b", "no regular expression"),
            ("/(/", "no regular expression"),
            ("$.a =~ /(/", "no regular expression"),
        ] {
            let error = Expr::parse(expr).unwrap_err();
            assert!(error.contains(part), "{expr}: {error}");
        }
    }
}
