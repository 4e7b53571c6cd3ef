//! JSON values of single fields, and what is checked of those that pass through.

use crate::command::Command;
use std::borrow::Cow;

/// What kind of JSON value a sound one is, for people.
pub(super) fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9') => "a number",
        _ => "nothing",
    }
}

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is of another kind.
    Kind,
    /// Half of a surrogate pair: no Unicode text.
    Surrogate,
    /// Arrays and objects nested too deeply.
    Depth,
}

/// A string. It is copied only if it has escapes.
pub(super) fn string(json: &str) -> Result<Cow<'_, str>, Misfit> {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or(Misfit::Kind)?;
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    // What was taken out of a sound object fails here for one reason only.
    serde_json::from_str(json)
        .map(Cow::Owned)
        .map_err(|_| Misfit::Surrogate)
}

/// `true` or `false`.
pub(super) fn boolean(json: &str) -> Result<bool, Misfit> {
    match json {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Misfit::Kind),
    }
}

/// A whole number.
pub(super) fn integer(json: &str) -> Result<u32, Misfit> {
    json.parse().map_err(|_| Misfit::Kind)
}

/// Whether a sound JSON value may be handed to any reader: not too deep, and its strings are Unicode.
pub(super) fn check(json: &str) -> Result<(), Misfit> {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut bytes = json.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        match (in_string, byte) {
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                if depth > Command::MAX_DEPTH {
                    return Err(Misfit::Depth);
                }
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            (true, b'\\') => bytes = escape(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// What comes after an escape, of which the backslash is gone.
fn escape(bytes: &[u8]) -> Result<&[u8], Misfit> {
    let Some((&letter, rest)) = bytes.split_first() else {
        return Ok(bytes);
    };
    if letter != b'u' {
        return Ok(rest);
    }
    match code_unit(rest) {
        Some((0xdc00..=0xdfff, _)) => Err(Misfit::Surrogate),
        Some((0xd800..=0xdbff, rest)) => {
            let second = rest.strip_prefix(b"\\u").and_then(code_unit);
            match second {
                Some((0xdc00..=0xdfff, rest)) => Ok(rest),
                _ => Err(Misfit::Surrogate),
            }
        }
        Some((_, rest)) => Ok(rest),
        None => Ok(rest),
    }
}

fn code_unit(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}
