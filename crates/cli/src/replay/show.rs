//! Prints differences for a person, with colour where it is wanted.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;
use tidewire::Message;

use super::compare::{Difference, Place};
use crate::term::{self, Style, paint};

/// So many differences are told one by one.
const TOLD: usize = 1000;

/// The longest part of a message that is shown, in characters.
const SHOWN: usize = 400;

/// Prints all differences, and gives their number; `of`: how many messages were recorded.
pub(super) fn print(differences: &[Difference<'_>], ends: Option<&(String, String)>, of: usize) -> usize {
    let colour = term::colour_wanted(&io::stdout());
    let mut out = String::new();
    for difference in differences.iter().take(TOLD) {
        out.push_str(&told(difference, colour));
    }
    if differences.len() > TOLD {
        _ = writeln!(out, "… and {} more", differences.len() - TOLD);
    }
    if let Some((was, is)) = ends {
        let (was, is) = (term::line(was, SHOWN), term::line(is, SHOWN));
        _ = writeln!(out, "~ the connection was closed otherwise");
        out.push_str(&both(colour, &was, &is));
    }
    let count = differences.len() + usize::from(ends.is_some());
    // Who reads no more knows enough.
    _ = io::stdout().lock().write_all(out.as_bytes());
    match (count, of) {
        (0, 1) => eprintln!("no difference: the 1 message recorded came again"),
        (0, _) => eprintln!("no difference: the {of} messages recorded came again"),
        (1, _) => eprintln!("1 difference"),
        _ => eprintln!("{count} differences"),
    }
    count
}

fn told(difference: &Difference<'_>, colour: bool) -> String {
    match difference {
        Difference::Missing(number, message) => {
            let words = format!("- message {number} did not come: {}", shown(message));
            paint(colour, Style::Bad, &words) + "\n"
        }
        Difference::Extra(number, message) => {
            let words = format!("+ message {number} is not in the recording: {}", shown(message));
            paint(colour, Style::Good, &words) + "\n"
        }
        Difference::Json(number, places) => {
            let lines: Vec<String> = places.iter().map(|one| place(one, colour)).collect();
            format!("~ message {number} came otherwise\n{}", lines.concat())
        }
        Difference::Other(number, was, is) => {
            format!("~ message {number} came otherwise\n{}", both(colour, &shown(was), &shown(is)))
        }
    }
}

fn both(colour: bool, was: &str, is: &str) -> String {
    let was = paint(colour, Style::Bad, &format!("- {was}"));
    let is = paint(colour, Style::Good, &format!("+ {is}"));
    format!("    {was}\n    {is}\n")
}

fn place(place: &Place, colour: bool) -> String {
    let value = |value: &Option<Value>, style| match value {
        Some(value) => paint(colour, style, &term::line(&value.to_string(), SHOWN)),
        None => paint(colour, Style::Dim, "(nothing)"),
    };
    format!(
        "    {}: {} → {}\n",
        term::line(&place.path, SHOWN),
        value(&place.was, Style::Bad),
        value(&place.is, Style::Good)
    )
}

fn shown(message: &Message) -> String {
    match message {
        Message::Text(text) => term::line(text, SHOWN),
        Message::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_lines_in_which_nothing_drives_the_terminal() {
        let nasty = Message::from("a\u{1b}[2J\n> b");
        let binary = Message::from(vec![0u8; 100]);
        let lines = [
            told(&Difference::Missing(1, &nasty), false),
            told(&Difference::Other(2, &nasty, &binary), false),
            told(
                &Difference::Json(
                    3,
                    vec![Place {
                        path: "$[\"\u{9b}\"]".into(),
                        was: None,
                        is: Some("\u{202e}".into()),
                    }],
                ),
                false,
            ),
        ]
        .concat();
        let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(lines.chars().all(harmless), "{lines:?}");
        assert_eq!(lines.lines().count(), 6, "{lines}");
        assert!(lines.starts_with("- message 1 did not come: a\\x1b[2J\\n> b\n"), "{lines}");
    }

    #[test]
    fn colour_is_for_what_was_and_what_is() {
        let message = Message::from("x");
        let line = told(&Difference::Extra(4, &message), true);
        assert_eq!(line, "\u{1b}[32m+ message 4 is not in the recording: x\u{1b}[0m\n");
    }
}
