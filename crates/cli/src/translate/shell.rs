//! Words of a POSIX shell, as browsers write them in "Copy as cURL", and back.

/// Splits a command into words: quotes, `$'…'` of bash, backslashes, line continuations. Nothing is
/// expanded: `$`, backquotes, `;`, `|`, `&`, `<`, `>` outside quotes are an error, because a shell
/// would do something there.
///
/// # Errors
/// A sentence that names the byte at fault.
pub(super) fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = command.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let into = word.get_or_insert_default();
                until(&mut rest, '\'', at, into, |_, c| Ok(c))?;
            }
            '"' => {
                let into = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        None => return Err(open_quote(at)),
                        Some((_, '"')) => break,
                        Some((_, '\\')) => match rest.next() {
                            Some((_, '\n')) => {}
                            Some((_, c @ ('"' | '\\' | '$' | '`'))) => into.push(c),
                            Some((_, c)) => into.extend(['\\', c]),
                            None => return Err(open_quote(at)),
                        },
                        Some((at, c @ ('$' | '`'))) => return Err(active(at, c)),
                        Some((_, c)) => into.push(c),
                    }
                }
            }
            '$' if rest.next_if(|(_, c)| *c == '\'').is_some() => {
                let into = word.get_or_insert_default();
                ansi(&mut rest, at, into)?;
            }
            '\\' => match rest.next() {
                Some((_, '\n')) | None => {}
                Some((_, '\r')) => _ = rest.next_if(|(_, c)| *c == '\n'),
                Some((_, c)) => word.get_or_insert_default().push(c),
            },
            '$' | '`' | ';' | '|' | '&' | '<' | '>' | '(' | ')' => return Err(active(at, c)),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

type Rest<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn until(
    rest: &mut Rest<'_>,
    end: char,
    start: usize,
    into: &mut String,
    mut map: impl FnMut(usize, char) -> Result<char, String>,
) -> Result<(), String> {
    for (at, c) in rest.by_ref() {
        if c == end {
            return Ok(());
        }
        into.push(map(at, c)?);
    }
    Err(open_quote(start))
}

/// What stands in `$'…'`: escapes as in C. Bytes given one by one become text if they are UTF-8.
fn ansi(rest: &mut Rest<'_>, start: usize, into: &mut String) -> Result<(), String> {
    let mut bytes: Vec<u8> = Vec::new();
    while let Some((at, c)) = rest.next() {
        match c {
            '\'' => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| format!("the quote at byte {start} does not hold UTF-8"))?;
                into.push_str(&text);
                return Ok(());
            }
            '\\' => {
                let Some((_, kind)) = rest.next() else { break };
                let decoded = match kind {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'v' => '\u{b}',
                    'e' | 'E' => '\u{1b}',
                    '\\' | '\'' | '"' | '?' => kind,
                    'x' => {
                        let value = digits(rest, 16, 2).ok_or_else(|| bad_escape(at))?;
                        bytes.push(value as u8);
                        continue;
                    }
                    'u' | 'U' => {
                        let most = if kind == 'u' { 4 } else { 8 };
                        let value = digits(rest, 16, most).ok_or_else(|| bad_escape(at))?;
                        let high = (0xd800..0xdc00).contains(&value);
                        let value = if high {
                            surrogate(rest, value)
                        } else {
                            Some(value)
                        };
                        value
                            .and_then(char::from_u32)
                            .ok_or_else(|| bad_escape(at))?
                    }
                    '0'..='7' => {
                        let first = u32::from(kind) - u32::from('0');
                        let more = digits_after(rest, 8, 2, first);
                        bytes.push(more as u8);
                        continue;
                    }
                    _ => return Err(bad_escape(at)),
                };
                bytes.extend(decoded.encode_utf8(&mut [0; 4]).bytes());
            }
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Err(open_quote(start))
}

/// The character of a pair of surrogates, as JavaScript writes what is beyond the first plane.
fn surrogate(rest: &mut Rest<'_>, high: u32) -> Option<u32> {
    rest.next_if(|(_, c)| *c == '\\')?;
    rest.next_if(|(_, c)| *c == 'u')?;
    let low = digits(rest, 16, 4)?;
    (0xdc00..0xe000)
        .contains(&low)
        .then(|| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn digits(rest: &mut Rest<'_>, base: u32, most: usize) -> Option<u32> {
    let (_, first) = rest.next_if(|(_, c)| c.is_digit(base))?;
    Some(digits_after(rest, base, most - 1, first.to_digit(base)?))
}

fn digits_after(rest: &mut Rest<'_>, base: u32, most: usize, first: u32) -> u32 {
    let mut value = first;
    for _ in 0..most {
        let Some((_, c)) = rest.next_if(|(_, c)| c.is_digit(base)) else {
            break;
        };
        value = value * base + c.to_digit(base).unwrap_or_default();
    }
    value
}

fn open_quote(at: usize) -> String {
    format!("the quote at byte {at} is not closed")
}

fn active(at: usize, c: char) -> String {
    format!("{c:?} at byte {at} would make a shell do something: put it in single quotes")
}

fn bad_escape(at: usize) -> String {
    format!("the escape at byte {at} is none that bash has in $'…'")
}

/// One word of a POSIX shell that means `text`, whatever is in it.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_as_a_shell_has_them() {
        for (command, words) in [
            ("curl a  b", &["curl", "a", "b"][..]),
            ("a 'b c' \"d \\\"e\\\" \\x\"", &["a", "b c", "d \"e\" \\x"]),
            ("a \\\n  b\\ c", &["a", "b c"]),
            ("a \\\r\n  b", &["a", "b"]),
            ("$'it\\'s \\u0041\\x41\\101\\n'", &["it's AAA\n"]),
            ("$'\\ud83d\\ude00 \\xc3\\xa4'", &["😀 ä"]),
            ("-H 'x:'\\''y'", &["-H", "x:'y"]),
            ("''", &[""]),
            ("", &[]),
        ] {
            assert_eq!(split(command).unwrap(), words, "{command}");
        }
    }

    #[test]
    fn what_a_shell_would_run_or_miss_is_named_with_its_byte() {
        for (command, part) in [
            ("a 'b", "byte 2 is not closed"),
            ("a \"b", "byte 2 is not closed"),
            ("a \"b\\", "byte 2 is not closed"),
            ("a $'b\\", "byte 2 is not closed"),
            ("a; rm", "';' at byte 1"),
            ("a \"$(x)\"", "'$' at byte 3"),
            ("a `x`", "'`' at byte 2"),
            ("a $HOME", "'$' at byte 2"),
            ("a $'\\q'", "escape at byte 4"),
            ("a $'\\xff'", "does not hold UTF-8"),
            ("a $'\\ud800'", "escape at byte 4"),
            ("a $'\\U99999999'", "escape at byte 4"),
        ] {
            let error = split(command).unwrap_err();
            assert!(error.contains(part), "{command}: {error}");
        }
    }

    #[test]
    fn what_is_quoted_reads_back_as_itself() {
        for text in [
            "",
            "a b",
            "it's",
            "$x `y` \\ \" \n;|&",
            "ä😀",
            "plain-1.2/x",
        ] {
            assert_eq!(split(&quote(text)).unwrap(), [text], "{text:?}");
        }
    }
}
