//! What a guest may call itself, and which characters no name has.

use std::fmt;

/// Longest name of a guest, in bytes.
pub(crate) const MAX_GUEST: usize = 64;

/// Control characters, invisible ones, and marks that change the direction of text: a name with one of
/// them looks like another name.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Reads the name of a guest: white space at its ends is taken off.
///
/// # Errors
///
/// [`InvalidName`] says which rule it breaks.
pub fn guest_name(text: &str) -> Result<Box<str>, InvalidName> {
    let name = text.trim();
    if name.is_empty() || name.len() > MAX_GUEST {
        return Err(InvalidName::Length);
    }
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        // Joiners belong to emoji and to several scripts, between two of their characters.
        let joins = is_joiner(c) && !before.is_ascii() && !is_joiner(before);
        let joins = joins && rest.peek().is_some_and(|next| !next.is_ascii());
        if is_invisible(c) && !joins {
            return Err(InvalidName::Character);
        }
        before = c;
    }
    Ok(name.into())
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Why a text is no guest's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// It is empty or too long.
    Length,
    /// A control character, or an invisible one.
    Character,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "a name has 1 to {MAX_GUEST} bytes"),
            Self::Character => f.write_str("a name has no control or invisible characters"),
        }
    }
}

impl std::error::Error for InvalidName {}
