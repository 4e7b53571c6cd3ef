//! What may reach a terminal: escaping of a peer's bytes, and colour.

mod editing;
mod elsewhere;
pub(crate) mod history;
pub(crate) mod json;
pub(crate) mod prompt;
mod screen;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::OnceLock;

use unicode_width::UnicodeWidthChar;

use crate::args::ColourChoice;

/// Marks that may stand upon one character; more are escaped, or a short text could cover the screen.
const MARKS: usize = 8;

/// Whether `c` could move the cursor, hide text or reorder it, and so is never shown as itself.
fn drives_terminal(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'          // C0, DEL, C1
        | '\u{61c}' | '\u{200e}' | '\u{200f}'              // bidi marks
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // bidi embeddings, overrides, isolates
        | '\u{2028}' | '\u{2029}'                          // line and paragraph separators
        | '\u{200b}' | '\u{2060}' | '\u{feff}'             // invisible spaces
        | '\u{ad}' | '\u{34f}' | '\u{180e}'                // a hyphen, a joiner, a separator: invisible
        | '\u{2061}'..='\u{2064}' | '\u{206a}'..='\u{206f}' // operators and shapes, invisible
        | '\u{fff9}'..='\u{fffb}'                          // interlinear annotation
        | '\u{e0000}'..='\u{e0fff}'                        // tags: invisible text
    )
}

/// Pushes the characters of a text, what would drive the terminal escaped.
struct Pen {
    out: String,
    marks: usize,
}

impl Pen {
    fn new(capacity: usize) -> Pen {
        Pen {
            out: String::with_capacity(capacity + 16),
            marks: 0,
        }
    }

    fn push(&mut self, c: char) {
        let is_mark = c >= '\u{300}' && c.width() == Some(0);
        self.marks = if is_mark { self.marks + 1 } else { 0 };
        if drives_terminal(c) || self.marks > MARKS {
            push_escaped(&mut self.out, c);
        } else {
            self.out.push(c);
        }
    }
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if (c as u32) < 0x100 => _ = write!(out, "\\x{:02x}", c as u32),
        c => _ = write!(out, "\\u{{{:x}}}", c as u32),
    }
}

/// The first `limit` characters of a peer's text on one line, nothing in it able to drive the
/// terminal; a longer text ends in `… (N bytes)`. Costs O(`limit`), whatever the text's length.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let mut pen = Pen::new(text.len().min(limit));
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            _ = write!(pen.out, "… ({} bytes)", text.len());
            break;
        }
        pen.push(c);
    }
    pen.out
}

/// A peer's text over as many lines as it has. Lines after the first are indented, so that no
/// message can pass for a prompt or for a status line; tabs stay.
pub(crate) fn block(text: &str, limit: usize) -> String {
    let mut pen = Pen::new(text.len().min(limit));
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            _ = write!(pen.out, "… ({} bytes in all)", text.len());
            break;
        }
        match c {
            '\n' => pen.out.push_str("\n  "),
            '\t' => pen.out.push('\t'),
            c => pen.push(c),
        }
    }
    pen.out
}

/// The same for bytes that should be text but may not be.
pub(crate) fn lossy_block(bytes: &[u8], limit: usize) -> String {
    let shown = &bytes[..bytes.len().min(limit)];
    let mut out = block(&String::from_utf8_lossy(shown), limit);
    if shown.len() < bytes.len() {
        _ = write!(out, "… ({} bytes in all)", bytes.len());
    }
    out
}

/// `00 01 ff …`: the first `limit` bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8], limit: usize) -> String {
    let mut out = String::with_capacity(bytes.len().min(limit) * 3 + 4);
    for (i, byte) in bytes.iter().take(limit).enumerate() {
        _ = write!(out, "{}{byte:02x}", if i == 0 { "" } else { " " });
    }
    if bytes.len() > limit {
        out.push_str(" …");
    }
    out
}

/// Bytes for a person: hexadecimal digits with what of them is ASCII, on one line if it is short, else
/// sixteen to a line up to `limit`.
pub(crate) fn dump(bytes: &[u8], limit: usize) -> String {
    let row = |bytes: &[u8], pad: usize| {
        let text = bytes.iter().map(|&byte| match byte {
            b' '..=b'~' => byte as char,
            _ => '.',
        });
        let text: String = text.collect();
        format!("{:pad$}  |{text}|", hex(bytes, 16))
    };
    match bytes.len() {
        0 => "[binary 0 B]".to_owned(),
        count @ 1..=16 => format!("[binary {count} B] {}", row(bytes, 0)),
        count => {
            let mut out = format!("[binary {count} B]");
            for (at, part) in bytes[..count.min(limit)].chunks(16).enumerate() {
                _ = write!(out, "\n  {:06x}  {}", at * 16, row(part, 47));
            }
            if count > limit {
                _ = write!(out, "\n  … ({count} bytes in all)");
            }
            out
        }
    }
}

/// How many columns a terminal needs for a line that has been escaped.
pub(crate) fn width(line: &str) -> usize {
    let mut columns = 0;
    for c in line.chars() {
        columns += match c {
            '\t' => 8 - columns % 8,
            c => c.width().unwrap_or(0),
        };
    }
    columns
}

/// How many columns the terminal at stdout has now.
pub(crate) fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stdout())
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    80
}

/// Whether the terminal knows nothing but lines.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM")
        .is_some_and(|term| ["dumb", "cons25", "emacs"].iter().any(|t| term == *t))
}

/// A path as typed: `~/` is the home of the user.
pub(crate) fn path(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(typed),
    }
}

static COLOUR: OnceLock<ColourChoice> = OnceLock::new();

/// What the command line says of colour; said once, at the start.
pub(crate) fn choose_colour(choice: ColourChoice) {
    _ = COLOUR.set(choice);
}

/// Whether colour is wanted on a stream: as the command line says, and if it leaves it open, on a
/// terminal, not `TERM=dumb`, and with `NO_COLOR` unset or empty (no-color.org).
pub(crate) fn colour_wanted(stream: &impl IsTerminal) -> bool {
    match COLOUR.get() {
        Some(ColourChoice::Always) => return true,
        Some(ColourChoice::Never) => return false,
        Some(ColourChoice::Auto) | None => {}
    }
    stream.is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
}

/// The few styles in use.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// Less important than the rest.
    Dim,
    /// Good news, or what arrived.
    Good,
    /// Bad news.
    Bad,
}

/// Wraps `text` in `style` if `on`.
pub(crate) fn paint(on: bool, style: Style, text: &str) -> String {
    if !on {
        return text.to_owned();
    }
    let code = match style {
        Style::Dim => "2",
        Style::Good => "32",
        Style::Bad => "31",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_drives_a_terminal_survives() {
        let nasty = "a\x1b]0;pwned\x07\u{9b}2J\u{202e}dcba\u{2066}\r\n\tz\u{7f}\u{feff}";
        for shown in [line(nasty, 1000), block(nasty, 1000)] {
            assert!(
                !shown
                    .chars()
                    .any(|c| drives_terminal(c) && c != '\n' && c != '\t'),
                "{shown:?}"
            );
            assert!(shown.starts_with("a\\x1b]0;pwned\\x07\\x9b2J\\u{202e}dcba\\u{2066}\\r"));
        }
    }

    #[test]
    fn a_line_is_one_line_and_a_block_is_indented() {
        assert_eq!(line("one\ntwo", 80), "one\\ntwo");
        assert_eq!(block("one\n> two", 80), "one\n  > two");
    }

    #[test]
    fn long_text_is_cut_by_characters_and_tells_its_size() {
        assert_eq!(line("ääää", 2), "ää… (8 bytes)");
        assert_eq!(line("ää", 2), "ää");
        assert_eq!(lossy_block(b"ab\xff", 80), "ab\u{fffd}");
        assert_eq!(lossy_block(b"abcdef", 3), "abc… (6 bytes in all)");
    }

    #[test]
    fn hidden_text_and_towers_of_marks_are_escaped() {
        assert_eq!(line("a\u{e0041}\u{ad}b", 80), "a\\u{e0041}\\xadb");
        // A face with a joiner and an accented letter stay as they are.
        for text in ["e\u{301}", "👩\u{200d}🚀", "❤\u{fe0f}", "漢字"] {
            assert_eq!(line(text, 80), text);
        }
        let tower = line(&("x".to_owned() + &"\u{301}".repeat(100)), 200);
        assert_eq!(tower.chars().filter(|&c| c == '\u{301}').count(), MARKS);
        assert!(tower.ends_with("\\u{301}"));
    }

    #[test]
    fn bytes_are_shown_on_one_line_or_as_rows() {
        assert_eq!(dump(&[0, 1, 0xff], 256), "[binary 3 B] 00 01 ff  |...|");
        assert_eq!(dump(&[], 256), "[binary 0 B]");
        let shown = dump(&[b'a'; 300], 32);
        let rows: Vec<_> = shown.lines().collect();
        assert_eq!(rows[0], "[binary 300 B]");
        assert!(
            rows[2].starts_with("  000010  61 61") && rows[2].ends_with("  |aaaaaaaaaaaaaaaa|")
        );
        assert_eq!(rows[3], "  … (300 bytes in all)");
        let shown = dump(&[b'a'; 17], 256);
        let rows: Vec<_> = shown.lines().collect();
        let bar = |row: &str| row.find('|').expect("a column of letters");
        assert_eq!(bar(rows[1]), bar(rows[2]), "{shown}");
    }

    #[test]
    fn width_counts_columns() {
        assert_eq!(width("a漢e\u{301}"), 4);
        assert_eq!(width("ab\tc"), 9);
    }

    #[test]
    fn hex_preview() {
        assert_eq!(hex(&[0, 1, 255], 16), "00 01 ff");
        assert_eq!(hex(&[0, 1, 255], 2), "00 01 …");
        assert_eq!(hex(&[], 2), "");
    }
}
