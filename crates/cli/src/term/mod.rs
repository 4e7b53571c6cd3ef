//! What may reach a terminal: escaping of a peer's bytes, and colour.

pub(crate) mod prompt;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::OnceLock;

use crate::args::ColourChoice;

/// Whether `c` could move the cursor, hide text or reorder it, and so is never shown as itself.
fn drives_terminal(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'          // C0, DEL, C1
        | '\u{61c}' | '\u{200e}' | '\u{200f}'              // bidi marks
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // bidi embeddings, overrides, isolates
        | '\u{2028}' | '\u{2029}'                          // line and paragraph separators
        | '\u{200b}' | '\u{2060}' | '\u{feff}'             // invisible spaces
        | '\u{fff9}'..='\u{fffb}'                          // interlinear annotation
    )
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
    let mut out = String::with_capacity(text.len().min(limit) + 16);
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            _ = write!(out, "… ({} bytes)", text.len());
            break;
        }
        if drives_terminal(c) {
            push_escaped(&mut out, c)
        } else {
            out.push(c)
        }
    }
    out
}

/// A peer's text over as many lines as it has. Lines after the first are indented, so that no
/// message can pass for a prompt or for a status line; tabs stay.
pub(crate) fn block(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit) + 16);
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            _ = write!(out, "… ({} bytes in all)", text.len());
            break;
        }
        match c {
            '\n' => out.push_str("\n  "),
            '\t' => out.push('\t'),
            c if drives_terminal(c) => push_escaped(&mut out, c),
            c => out.push(c),
        }
    }
    out
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
    fn hex_preview() {
        assert_eq!(hex(&[0, 1, 255], 16), "00 01 ff");
        assert_eq!(hex(&[0, 1, 255], 2), "00 01 …");
        assert_eq!(hex(&[], 2), "");
    }
}
