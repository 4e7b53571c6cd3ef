//! What a comparison passes over: places in JSON, and text that an expression matches.

use regex::Regex;
use serde_json::Value;

/// Something that is passed over.
#[derive(Debug, Clone)]
pub(crate) enum Ignore {
    Path(Vec<Segment>),
    Text(Regex),
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `.name`
    Key(String),
    /// `[3]`
    Index(usize),
    /// `.*` or `[*]`
    Any,
    /// `..`: here, and anywhere below.
    Below,
}

impl Ignore {
    /// Reads `$.a[0].b`, `$.list[*].at`, `$..ts`, or `/expression/`.
    pub(crate) fn parse(text: &str) -> Result<Ignore, String> {
        if let Some(path) = text.strip_prefix('$') {
            return segments(path).map(Ignore::Path).ok_or_else(|| {
                format!(
                    "{text:?} is not a path: write for example $.id, $.a[0].b, $.list[*].at, $['a b'] or $..ts"
                )
            });
        }
        let expression = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
            .unwrap_or(text);
        if expression.is_empty() {
            return Err("there is nothing to pass over: write a path such as $.id, or /REGEX/".to_owned());
        }
        Regex::new(expression)
            .map(Ignore::Text)
            .map_err(|error| format!("{expression:?} is not a regular expression: {error}"))
    }

    /// The text without what the expression matches.
    pub(super) fn blank(&self, text: String) -> String {
        match self {
            Ignore::Text(expression) => expression.replace_all(&text, "").into_owned(),
            Ignore::Path(_) => text,
        }
    }

    /// Takes what the path leads to out of `value`.
    pub(super) fn remove(&self, value: &mut Value) {
        if let Ignore::Path(path) = self {
            remove(value, path);
        }
    }
}

/// The segments of a path behind its `$`; at least one.
fn segments(mut rest: &str) -> Option<Vec<Segment>> {
    let mut path = Vec::new();
    while !rest.is_empty() {
        if let Some(below) = rest.strip_prefix("..") {
            path.push(Segment::Below);
            rest = below;
            if !rest.starts_with('[') {
                rest = name(rest, &mut path)?;
            }
        } else if let Some(dot) = rest.strip_prefix('.') {
            rest = name(dot, &mut path)?;
        } else {
            rest = bracket(rest.strip_prefix('[')?, &mut path)?;
        }
    }
    (!path.is_empty()).then_some(path)
}

fn name<'a>(text: &'a str, path: &mut Vec<Segment>) -> Option<&'a str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    path.push(match name {
        "" => return None,
        "*" => Segment::Any,
        name => Segment::Key(name.to_owned()),
    });
    Some(rest)
}

/// What is between brackets, of which the first is read already.
fn bracket<'a>(text: &'a str, path: &mut Vec<Segment>) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix("*]") {
        path.push(Segment::Any);
        return Some(rest);
    }
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (key, rest) = quoted.split_once(quote)?;
            path.push(Segment::Key(key.to_owned()));
            return rest.strip_prefix(']');
        }
    }
    let (index, rest) = text.split_once(']')?;
    path.push(Segment::Index(index.parse().ok()?));
    Some(rest)
}

fn remove(value: &mut Value, path: &[Segment]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if *first == Segment::Below {
        remove(value, rest);
        children(value).for_each(|child| remove(child, path));
    } else if !rest.is_empty() {
        matching(value, first).for_each(|child| remove(child, rest));
    } else {
        match (value, first) {
            (Value::Object(fields), Segment::Key(key)) => _ = fields.remove(key),
            (Value::Object(fields), Segment::Any) => fields.clear(),
            // The others keep their places.
            (list @ Value::Array(_), segment) => {
                matching(list, segment).for_each(|child| *child = Value::Null);
            }
            _ => {}
        }
    }
}

fn children(value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match value {
        Value::Object(fields) => Box::new(fields.values_mut()),
        Value::Array(list) => Box::new(list.iter_mut()),
        _ => Box::new(std::iter::empty()),
    }
}

fn matching<'a>(value: &'a mut Value, segment: &Segment) -> Box<dyn Iterator<Item = &'a mut Value> + 'a> {
    match (value, segment) {
        (value, Segment::Any) => children(value),
        (Value::Object(fields), Segment::Key(key)) => Box::new(fields.get_mut(key).into_iter()),
        (Value::Array(list), Segment::Index(index)) => Box::new(list.get_mut(*index).into_iter()),
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_take_out_what_they_lead_to() {
        for (path, expected) in [
            ("$.id", json!({"a": {"ts": 1, "b c": 2}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]})),
            ("$.a.ts", json!({"id": 0, "a": {"b c": 2}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]})),
            ("$['a'][\"b c\"]", json!({"id": 0, "a": {"ts": 1}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]})),
            ("$.l[1].ts", json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [{"ts": 3}, {"x": 5}]})),
            ("$.l[*].ts", json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [{}, {"x": 5}]})),
            ("$..ts", json!({"id": 0, "a": {"b c": 2}, "l": [{}, {"x": 5}]})),
            ("$.l[0]", json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [null, {"ts": 4, "x": 5}]})),
            ("$.a.*", json!({"id": 0, "a": {}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]})),
            ("$..[1]", json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [{"ts": 3}, null]})),
            ("$.no.such[7]", json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]})),
        ] {
            let mut value = json!({"id": 0, "a": {"ts": 1, "b c": 2}, "l": [{"ts": 3}, {"ts": 4, "x": 5}]});
            Ignore::parse(path).unwrap().remove(&mut value);
            assert_eq!(value, expected, "{path}");
        }
    }

    #[test]
    fn expressions_blank_text() {
        let ignore = Ignore::parse("/id=[0-9]+/").unwrap();
        assert_eq!(ignore.blank("id=12;x;id=3".into()), ";x;");
        assert_eq!(Ignore::parse("a+").unwrap().blank("baab".into()), "bb");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "//", "$", "$.", "$..", "$a", "$.a[", "$.a[x]", "$.a['b]", "$.a[-1]", "/(/", "("] {
            assert!(Ignore::parse(text).is_err(), "{text}");
        }
    }
}
