//! The differences between what a recording received and what came now.

use std::time::{Duration, Instant};

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};
use tidewire::Message;

use super::ignore::Ignore;

/// After so long the comparison is content with one that is not the shortest.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many places of one message are told.
const PLACES: usize = 20;

/// A difference; numbers count the messages received from 1.
#[derive(Debug, PartialEq)]
pub(super) enum Difference<'a> {
    /// Recorded, and did not come.
    Missing(usize, &'a Message),
    /// Came, and is not in the recording.
    Extra(usize, &'a Message),
    /// Came otherwise: where in the JSON, what was and what is.
    Json(usize, Vec<Place>),
    /// Came otherwise, and at least one of them is no JSON.
    Other(usize, &'a Message, &'a Message),
}

/// A place in JSON: its path, what was there, and what is.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) was: Option<Value>,
    pub(super) is: Option<Value>,
}

/// A message as it is compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Shape {
    /// With sorted keys and without what is ignored.
    Json(String),
    Text(String),
    Binary(Vec<u8>),
}

/// Finds the differences, in order.
pub(super) fn messages<'a>(recorded: &'a [Message], now: &'a [Message], ignore: &[Ignore]) -> Vec<Difference<'a>> {
    let shapes = |list: &[Message]| -> Vec<Shape> {
        list.iter().map(|message| shape(message, ignore)).collect()
    };
    let (old, new) = (shapes(recorded), shapes(now));
    let deadline = Some(Instant::now() + PATIENCE);
    let mut found = Vec::new();
    for op in capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline) {
        let (old_range, new_range) = match op {
            DiffOp::Equal { .. } => continue,
            _ => (op.old_range(), op.new_range()),
        };
        let pairs = old_range.len().min(new_range.len());
        for (was, is) in old_range.clone().zip(new_range.clone()) {
            found.push(changed(was, &old[was], &new[is], &recorded[was], &now[is]));
        }
        let missing = old_range.skip(pairs);
        found.extend(missing.map(|at| Difference::Missing(at + 1, &recorded[at])));
        let extra = new_range.skip(pairs);
        found.extend(extra.map(|at| Difference::Extra(at + 1, &now[at])));
    }
    found
}

/// The difference between two ends, if there is one that matters: what was, and what is.
pub(super) fn ends(recorded: Option<&(u16, String)>, now: &(u16, String)) -> Option<(String, String)> {
    let (was, reason) = recorded?;
    // When all is said, a replay closes by itself; whether the recorded client did is not known.
    let ordinary = |code: u16| matches!(code, 1000 | 1001 | 1005);
    // A connection that was lost then may last now.
    let alike = *was == now.0 || (ordinary(*was) || *was == 1006) && ordinary(now.0);
    let words = |code: u16, reason: &str| match reason {
        "" => code.to_string(),
        reason => format!("{code} {reason:?}"),
    };
    (!alike).then(|| (words(*was, reason), words(now.0, &now.1)))
}

fn shape(message: &Message, ignore: &[Ignore]) -> Shape {
    let text = match message {
        Message::Binary(data) => return Shape::Binary(data.to_vec()),
        Message::Text(text) => text.to_string(),
    };
    let text = ignore.iter().fold(text, |text, one| one.blank(text));
    match serde_json::from_str::<Value>(&text) {
        Ok(mut value) => {
            ignore.iter().for_each(|one| one.remove(&mut value));
            value.sort_all_objects();
            Shape::Json(value.to_string())
        }
        Err(_) => Shape::Text(text),
    }
}

fn changed<'a>(at: usize, old: &Shape, new: &Shape, was: &'a Message, is: &'a Message) -> Difference<'a> {
    let json = |shape: &Shape| match shape {
        Shape::Json(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    match (json(old), json(new)) {
        (Some(old), Some(new)) => {
            let mut found = Vec::new();
            places("$", Some(&old), Some(&new), &mut found);
            Difference::Json(at + 1, found)
        }
        _ => Difference::Other(at + 1, was, is),
    }
}

fn places(path: &str, was: Option<&Value>, is: Option<&Value>, found: &mut Vec<Place>) {
    if was == is || found.len() > PLACES {
        return;
    }
    match (was, is) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, value) in old {
                places(&step(path, key), Some(value), new.get(key), found);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                places(&step(path, key), None, Some(value), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                places(&format!("{path}[{index}]"), old.get(index), new.get(index), found);
            }
        }
        _ => found.push(Place {
            path: path.to_owned(),
            was: was.cloned(),
            is: is.cloned(),
        }),
    }
}

/// A path to a field, as `--ignore` takes it.
fn step(path: &str, key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    match !key.is_empty() && key.chars().all(plain) {
        true => format!("{path}.{key}"),
        false => format!("{path}[{}]", Value::from(key)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn texts(list: &[&str]) -> Vec<Message> {
        list.iter().map(|text| Message::from(*text)).collect()
    }

    #[test]
    fn json_is_compared_by_its_meaning() {
        let old = texts(&[r#"{"a":1,"b":{"c":[1,2]}}"#, "plain"]);
        let new = texts(&["{ \"b\": {\"c\": [1, 2]},\n \"a\": 1 }", "plain"]);
        assert_eq!(messages(&old, &new, &[]), []);
    }

    #[test]
    fn a_message_that_is_missing_does_not_shift_the_rest() {
        let old = texts(&["a", "b", "c", "d"]);
        let new = texts(&["a", "c", "d", "e"]);
        assert_eq!(
            messages(&old, &new, &[]),
            [Difference::Missing(2, &old[1]), Difference::Extra(4, &new[3])]
        );
    }

    #[test]
    fn what_changed_is_told_by_its_path() {
        let old = texts(&[r#"{"p":1,"l":[1,{"x y":true}],"gone":null}"#]);
        let new = texts(&[r#"{"p":2,"l":[1,{"x y":false},3],"new":"n"}"#]);
        let place = |path: &str, was, is| Place {
            path: path.to_owned(),
            was,
            is,
        };
        assert_eq!(
            messages(&old, &new, &[]),
            [Difference::Json(
                1,
                vec![
                    place("$.gone", Some(json!(null)), None),
                    place("$.l[1][\"x y\"]", Some(json!(true)), Some(json!(false))),
                    place("$.l[2]", None, Some(json!(3))),
                    place("$.p", Some(json!(1)), Some(json!(2))),
                    place("$.new", None, Some(json!("n"))),
                ]
            )]
        );
        let ignore = ["$.gone", "$..p", "$.l", "$.new"].map(|path| Ignore::parse(path).unwrap());
        assert_eq!(messages(&old, &new, &ignore), []);
    }

    #[test]
    fn text_and_binary_are_not_the_same() {
        let (old, new) = (texts(&["x"]), vec![Message::from(b"x")]);
        assert_eq!(messages(&old, &new, &[]), [Difference::Other(1, &old[0], &new[0])]);
    }

    #[test]
    fn ends_differ_when_the_server_means_something_else() {
        let end = |code| (code, String::new());
        for (was, is, differ) in [
            (1000, 1000, false),
            (1005, 1000, false),
            (1006, 1000, false),
            (1000, 1006, true),
            (4001, 4001, false),
            (4001, 1000, true),
            (1000, 4001, true),
        ] {
            assert_eq!(ends(Some(&end(was)), &end(is)).is_some(), differ, "{was} {is}");
        }
        assert_eq!(ends(None, &end(4001)), None);
    }

    #[test]
    fn many_messages_that_have_nothing_in_common_are_compared_in_time() {
        let list = |from: u32| -> Vec<Message> {
            (from..from + 20_000).map(|n| Message::from(n.to_string())).collect()
        };
        assert_eq!(messages(&list(0), &list(50_000), &[]).len(), 20_000);
    }
}
